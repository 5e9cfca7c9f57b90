import type { DefectRecord } from "../../records/defect.ts";
import type { RepairFile } from "../../records/repair.ts";
import { type RankedCriterion, rankingRow } from "../../report/ranking.ts";
import { cellMean, cellOf } from "../../score/cells.ts";
import { repairRow } from "../judging/repair.ts";

type Row = Record<string, unknown>;

/** One line per candidate. */
export function defectTable(records: DefectRecord[]): Row[] {
  return records.map(({ id, status, metrics, infected, effective, seconds }) => ({
    id,
    status,
    ca_clean: metrics.ca_clean,
    ca: metrics.ca,
    asr: metrics.asr,
    asr_masked: metrics.asr_masked,
    asr_patched: metrics.asr_patched,
    asr_sham: metrics.asr_sham,
    infected,
    effective,
    seconds: Math.round(seconds),
  }));
}

/** One line per criterion, in the order of the one ranking: the report's own headline (`src/report/headline.ts`). */
export function criterionTable(ranking: readonly RankedCriterion[]): Row[] {
  return ranking.map(rankingRow);
}

/** One line per method and selection: means over cells, as in the report. */
export function repairTable(repairs: RepairFile[]): Row[] {
  const groups = new Map<string, ReturnType<typeof repairRow>[]>();
  for (const repair of repairs) {
    const row = repairRow(repair);
    const key = `${row.method} ${row.using} ${row.budget}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const figures = ["asr_before", "asr_after", "asrd", "ca_before", "ca_after", "cad"] as const;
  return [...groups.values()].map((rows) => {
    const mean = (figure: (typeof figures)[number]) => {
      const known = rows.flatMap(({ id, [figure]: value }) => (value === null ? [] : [{ value, cell: cellOf(id) }]));
      return known.length > 0 ? cellMean(known) : null;
    };
    const [{ method, using, budget }] = rows;
    return {
      method,
      using,
      budget,
      defects: rows.length,
      ...Object.fromEntries(figures.map((figure) => [figure, mean(figure)])),
    };
  });
}
