import type { ReportData } from "./collect.ts";

/**
 * What whoever chose the neurons of a repair had seen: `clean`, `failing` or `oracle` as the criterion declares, `oracle` for
 * the true set, `none` for a random one and where the repair chose by itself. Repairs by criteria of different access
 * never compete (docs/methods.md §10.11).
 *
 * @param using as stored: `oracle`, `random`, `none`, `CRITERION` or `CRITERION:topk`
 * @returns null where no prediction of the criterion is at hand
 */
export function accessOfUsing({ scores }: Pick<ReportData, "scores">, using: string): string | null {
  if (using === "oracle") return "oracle";
  if (using === "random" || using === "none") return "none";
  const [criterion] = using.split(":");
  return scores.find((row) => row.criterion === criterion)?.access ?? null;
}
