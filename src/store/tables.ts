import { join } from "node:path";
import { fillNewFolder } from "./new-folder.ts";
import { type ColumnType, createTable } from "./sql-table.ts";

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
  rows: readonly Readonly<Record<string, string | number | null>>[];
}

/**
 * Writes tables through DuckDB, one file each, into a new folder that appears whole or not at all.
 * @throws InputError where the folder holds something or cannot be written.
 */
export async function writeTables(dir: string, kind: TableKind, tables: readonly FlatTable[]): Promise<void> {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  await fillNewFolder(dir, async (folder) => {
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    try {
      for (const { name, columns, rows } of tables) {
        await createTable(connection, name, columns, rows);
        const path = join(folder, `${name}.${kind}`).replaceAll("'", "''");
        await connection.run(`COPY ${name} TO '${path}' (${COPY_OPTIONS[kind]})`);
      }
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  });
}
