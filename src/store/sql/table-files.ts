import { join } from "node:path";
import { InputError } from "../../core/errors.ts";
import { csvText } from "../../core/visible.ts";
import { makeFolder, readBytes, writeAtomic } from "../disk/fs.ts";
import { beside, fillNewFolder } from "../disk/new-folder.ts";
import { type ColumnType, createTable, type FlatRow } from "./create-table.ts";

export const TABLE_KINDS = ["parquet", "csv", "json"] as const;
export type TableKind = (typeof TABLE_KINDS)[number];

/** JSON as a bare array of objects, CSV with a head; unknown is null, in CSV empty. */
const COPY_OPTIONS: Record<TableKind, string> = {
  parquet: "FORMAT parquet, COMPRESSION zstd",
  csv: "FORMAT csv, HEADER true",
  json: "FORMAT json, ARRAY true",
};

export interface FlatTable {
  /** File name without extension. */
  name: string;
  columns: Readonly<Record<string, ColumnType>>;
  rows: Iterable<FlatRow>;
}

/**
 * Writes tables through DuckDB, one file each, into a new folder that appears whole or not at all.
 *
 * @returns how many rows each has
 * @throws InputError where the folder holds something or cannot be written.
 */
export async function writeTables(dir: string, kind: TableKind, tables: readonly FlatTable[]): Promise<number[]> {
  let counts: number[] = [];
  await fillNewFolder(dir, async (folder) => {
    counts = await copyTables(folder, kind, tables);
  });
  return counts;
}

/**
 * As `writeTables`, into a folder that may hold files already: those of the same names are replaced, each in one step.
 * @param tmpDir on the same file system; what a kill leaves there is harmless
 * @returns how many rows each has
 */
export async function replaceTables(
  dir: string,
  kind: TableKind,
  tables: readonly FlatTable[],
  tmpDir: string,
): Promise<number[]> {
  makeFolder(dir);
  let counts: number[] = [];
  await beside(join(tmpDir, "tables"), async (temporary) => {
    makeFolder(temporary);
    counts = await copyTables(temporary, kind, tables);
    for (const { name } of tables) {
      const [from, to] = [temporary, dir].map((folder) => join(folder, `${name}.${kind}`));
      writeAtomic(to, readBytes(from), temporary);
    }
  });
  return counts;
}

/** What a name or reason holds must be no formula to a spreadsheet. */
function* csvRows(rows: Iterable<FlatRow>): Iterable<FlatRow> {
  for (const row of rows) {
    yield Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, typeof value === "string" ? csvText(value) : value]),
    );
  }
}

async function copyTables(folder: string, kind: TableKind, tables: readonly FlatTable[]): Promise<number[]> {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const counts: number[] = [];
  try {
    for (const [i, { name, columns, rows }] of tables.entries()) {
      counts.push(await createTable(connection, `table_${i}`, columns, kind === "csv" ? csvRows(rows) : rows));
      const path = join(folder, `${name}.${kind}`).replaceAll("'", "''");
      await connection.run(`COPY table_${i} TO '${path}' (${COPY_OPTIONS[kind]})`);
      await connection.run(`DROP TABLE table_${i}`);
    }
    return counts;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/**
 * Counts the rows of a table in a Parquet file.
 *
 * @param conditions of SQL, about its columns
 * @returns all rows, and those that meet each condition. @throws InputError where it is none, or lacks a column.
 */
export async function countRows(
  path: string,
  conditions: readonly string[] = [],
): Promise<{ rows: number; meeting: number[] }> {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  try {
    const counts = ["true", ...conditions].map((condition) => `(count(*) filter (where ${condition}))::int`);
    const reader = await connection.runAndReadAll(`select ${counts.join(", ")} from read_parquet($path)`, { path });
    const [rows, ...meeting] = reader.getRows()[0].map(Number);
    return { rows, meeting };
  } catch (error) {
    throw new InputError(`${path}: is no such Parquet table (${(error as Error).message.split("\n")[0]})`);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
