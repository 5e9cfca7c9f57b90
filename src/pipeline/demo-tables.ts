import { cellMean, cellOf } from "../score/cells.ts";
import type { ScoreRow } from "../score/score.ts";
import { summarize } from "../score/summary.ts";
import type { RepairFile } from "../store/results.ts";
import type { DefectRecord } from "../store/schema.ts";
import { repairRow } from "./judging/repair.ts";

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

/**
 * One line per criterion: the controlled set P_k against G, with the paired difference infected − sham. Those that saw no
 * more than clean samples first: the others do not compete with them.
 */
export function criterionTable(scores: ScoreRow[]): Row[] {
  const rows = new Map<string, Row>();
  for (const row of summarize(scores, ["jaccard", "wji", "auroc"])) {
    if (row.truth !== "full" || row.protocol !== "topk" || row.quota !== "global") continue;
    const line = rows.get(row.criterion) ?? { criterion: row.criterion, access: row.access, defects: row.pairs };
    line[row.metric] = row.infected;
    line[`${row.metric}_sham`] = row.sham;
    line[`${row.metric}_difference`] = row.difference;
    rows.set(row.criterion, line);
  }
  const all = [...rows.values()];
  return [...all.filter(({ access }) => access === "clean"), ...all.filter(({ access }) => access !== "clean")];
}

/** One line per method and selection: means over cells, as in the report. */
export function repairTable(repairs: RepairFile[]): Row[] {
  const groups = new Map<string, ReturnType<typeof repairRow>[]>();
  for (const repair of repairs) {
    const row = repairRow(repair);
    const key = `${row.method} ${row.using}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const figures = ["asr_before", "asr_after", "asrd", "ca_before", "ca_after", "cad"] as const;
  return [...groups.values()].map((rows) => {
    const mean = (figure: (typeof figures)[number]) => {
      const known = rows.flatMap(({ id, [figure]: value }) => (value === null ? [] : [{ value, cell: cellOf(id) }]));
      return known.length > 0 ? cellMean(known) : null;
    };
    const [{ method, using }] = rows;
    return {
      method,
      using,
      defects: rows.length,
      ...Object.fromEntries(figures.map((figure) => [figure, mean(figure)])),
    };
  });
}
