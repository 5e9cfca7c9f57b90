import { renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { temporaryName } from "../../files/temporary.ts";
import type { CleanRecord } from "../../records/clean.ts";
import { CLEAN_FIELDS, cleanRow } from "../../records/clean-row.ts";
import { DEFECT_FIELDS, type DefectRow, defectRow } from "../../records/defect-row.ts";
import type { Database } from "../database.ts";
import { assertMayWrite, makeFolder, withPath } from "../disk/fs.ts";
import { foreignPrints, foreignRows } from "../foreign/rows.ts";
import { sha256Of } from "../objects/objects.ts";
import { type ColumnType, createTable, type FlatRow } from "../sql/create-table.ts";

/** Changes with the tables below, so that a catalog of another version is rebuilt. */
const CATALOG_VERSION = 1;

/** What a catalog is derived from. */
export interface Source {
  fingerprint: string;
  defects: Iterable<DefectRow>;
  clean: CleanRecord[];
}

/** Read at once. @throws InputError on a damaged record where nobody listens for damage. */
export function readSource(db: Database) {
  return {
    // Taken first: a record that is written meanwhile makes the catalog out of date.
    fingerprint: fingerprint(db),
    defects: catalogRows(db),
    clean: db.soundClean(),
  };
}

/** Defects and foreign models, by id. @throws InputError on a damaged record where nobody listens for damage */
export function catalogRows(db: Database): DefectRow[] {
  const rows = [...db.soundDefects().map(defectRow), ...foreignRows(db)];
  return rows.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Identifies the records that a catalog was derived from: names, sizes and times of all their files. */
export function fingerprint(db: Database): string {
  const paths = [
    ...db.listDefects().map((id) => [id, db.layout.defect(id)]),
    ...db.listClean().map((id) => [id, db.layout.clean(id)]),
  ];
  const lines = paths.map(([id, path]) => {
    const found = withPath(path, () => statSync(path, { bigint: true, throwIfNoEntry: false }));
    // A link that leads nowhere is told when the record is read.
    return `${id} ${found?.size} ${found?.mtimeNs}`;
  });
  return sha256Of([`catalog ${CATALOG_VERSION}`, ...lines, ...foreignPrints(db)].join("\n"));
}

/** Writes a database's catalog beside the old one and renames it over that. */
export async function replaceCatalog(db: Database, source: Source): Promise<void> {
  const folder = db.layout.path("tmp");
  makeFolder(folder);
  const temporary = join(folder, temporaryName(".duckdb"));
  // DuckDB's own message of a folder that cannot be written names a file that nobody knows.
  assertMayWrite(folder);
  try {
    await writeCatalogFile(temporary, source);
    const path = db.layout.path("catalog");
    withPath(path, () => renameSync(temporary, path));
  } finally {
    for (const left of [temporary, `${temporary}.wal`]) withPath(left, () => rmSync(left, { force: true }));
  }
}

/** Writes a catalog into a file that does not exist. */
export async function writeCatalogFile(path: string, source: Source): Promise<void> {
  await fillFile(path, async (connection) => {
    await createTable(connection, "defects", DEFECT_FIELDS, source.defects);
    await createTable(connection, "clean", CLEAN_FIELDS, source.clean.map(cleanRow));
    await connection.run("CREATE TABLE source (fingerprint VARCHAR)");
    await connection.run("INSERT INTO source VALUES ($1)", [source.fingerprint]);
  });
}

/** A table that is derived from files when a statement names it. */
export interface DerivedTable {
  columns: Readonly<Record<string, ColumnType>>;
  rows(): Iterable<FlatRow> | Promise<Iterable<FlatRow>>;
}

/** Writes derived tables into a file that does not exist. @throws InputError where a file behind them is damaged */
export async function writeTablesFile(path: string, tables: ReadonlyMap<string, DerivedTable>): Promise<void> {
  await fillFile(path, async (connection) => {
    for (const [name, { columns, rows }] of tables) await createTable(connection, name, columns, await rows());
  });
}

async function fillFile(path: string, fill: (connection: DuckDBConnection) => Promise<void>): Promise<void> {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  try {
    await fill(connection);
    await connection.run("CHECKPOINT");
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
