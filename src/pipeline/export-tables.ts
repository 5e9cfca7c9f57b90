import type { ScoreRow } from "../score/score.ts";
import { CLEAN_FIELDS, cleanRow } from "../store/catalog.ts";
import type { Database } from "../store/database.ts";
import { JUDGED_VERSIONS, type RepairFile, Results, storedBudgets } from "../store/results.ts";
import { DEFECT_FIELDS, type DefectRow } from "../store/rows.ts";
import { type FlatTable, type TableKind, writeTables } from "../store/tables.ts";
import { repairRow } from "./judging/repair.ts";
import { scoreAll } from "./judging/score.ts";

/** SPEC §5 "Scores". */
export const SCORE_FIELDS = {
  id: "text",
  version: "text",
  criterion: "text",
  access: "text",
  budget: "text",
  truth: "text",
  protocol: "text",
  quota: "text",
  k: "count",
  wji: "number",
  jaccard: "number",
  precision: "number",
  recall: "number",
  auroc: "number",
  ap: "number",
  exam: "number",
  seconds: "number",
} as const;

export const REPAIR_FIELDS = {
  id: "text",
  method: "text",
  using: "text",
  budget: "text",
  ca_before: "number",
  ca_after: "number",
  asr_before: "number",
  asr_after: "number",
  asrd: "number",
  cad: "number",
  seconds: "number",
} as const;

/**
 * Writes the catalog of some defects (any status), their clean models, and the scores and repairs of those that are
 * accepted as tables in a new folder.
 *
 * @returns what was written.
 */
export async function exportTables(
  db: Database,
  defects: readonly DefectRow[],
  dir: string,
  kind: TableKind,
): Promise<{ table: string; file: string; rows: number }[]> {
  const accepted = new Set(defects.filter(({ status }) => status === "accepted").map(({ id }) => id));
  const items = [...accepted].flatMap((id) => JUDGED_VERSIONS.map((version) => ({ id, version })));
  const scores: ScoreRow[] = [];
  const repairs: RepairFile[] = [];
  for (const budget of storedBudgets(db)) {
    const results = new Results(db, budget);
    scores.push(...(await scoreAll(db, results, items, results.criteria())));
    repairs.push(...results.repairs().filter(({ id }) => accepted.has(id)));
  }
  const clean = new Set(defects.map(({ id }) => db.readDefect(id).clean));
  const tables: FlatTable[] = [
    { name: "defects", columns: DEFECT_FIELDS, rows: defects },
    { name: "clean", columns: CLEAN_FIELDS, rows: [...clean].sort().map((id) => cleanRow(db.readClean(id))) },
    { name: "scores", columns: SCORE_FIELDS, rows: scores.map((row) => ({ ...row })) },
    { name: "repairs", columns: REPAIR_FIELDS, rows: repairs.map(repairRow) },
  ];
  await writeTables(dir, kind, tables);
  return tables.map(({ name, rows }) => ({ table: name, file: `${name}.${kind}`, rows: rows.length }));
}
