import type { DefectRecord } from "../records/defect.ts";

/**
 * Share of the candidates that passed all gates: what stands beside every mean (docs/methods.md §13.1), since a mean
 * over few that passed says something about these. Duplicates were never measured; what was withdrawn later had been
 * accepted.
 *
 * @returns null where no candidate was measured
 */
export function acceptedShare(records: readonly Pick<DefectRecord, "status">[]): number | null {
  const measured = records.filter(({ status }) => status !== "duplicate");
  if (measured.length === 0) return null;
  return measured.filter(({ status }) => status !== "rejected").length / measured.length;
}
