import { CLEAN_FIELDS, cleanRow } from "../../records/clean-row.ts";
import { DEFECT_FIELDS, type DefectRow } from "../../records/defect-row.ts";
import type { Database } from "../../store/database.ts";
import { type FlatTable, type TableKind, writeTables } from "../../store/sql/table-files.ts";
import { sqlTables } from "./sql-tables.ts";

/**
 * Writes the catalog of some defects (any status), their clean models, and the neurons, predictions, scores and repairs of
 * those that are accepted as tables in a new folder.
 *
 * @returns what was written.
 */
export async function exportTables(
  db: Database,
  defects: readonly DefectRow[],
  dir: string,
  kind: TableKind,
): Promise<{ table: string; file: string; rows: number }[]> {
  const accepted = defects.filter(({ status }) => status === "accepted").map(({ id }) => id);
  const foreign = defects.filter(({ status }) => status === "foreign").map(({ id }) => id);
  const ours = defects.filter(({ status }) => status !== "foreign");
  const clean = new Set(ours.map(({ id }) => db.readDefect(id).clean));
  const tables: FlatTable[] = [
    { name: "defects", columns: DEFECT_FIELDS, rows: defects },
    { name: "clean", columns: CLEAN_FIELDS, rows: [...clean].sort().map((id) => cleanRow(db.readClean(id))) },
  ];
  for (const [name, { columns, rows }] of sqlTables(db, db, accepted, foreign)) {
    tables.push({ name, columns, rows: await rows() });
  }
  const counts = await writeTables(dir, kind, tables);
  return tables.map(({ name }, i) => ({ table: name, file: `${name}.${kind}`, rows: counts[i] }));
}
