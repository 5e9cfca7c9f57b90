import type { DuckDBConnection } from "@duckdb/node-api";

/** What a column holds: `count` whole numbers, `number` any. */
export type ColumnType = "text" | "count" | "number";

const SQL_TYPES: Record<ColumnType, string> = { text: "VARCHAR", count: "INTEGER", number: "DOUBLE" };

/**
 * Makes a table and appends rows to it; unknown is null.
 * @param name and columns are SQL names of this program's own
 */
export async function createTable(
  connection: DuckDBConnection,
  name: string,
  columns: Readonly<Record<string, ColumnType>>,
  rows: Iterable<Readonly<Record<string, string | number | null>>>,
): Promise<void> {
  const types = Object.entries(columns);
  await connection.run(
    `CREATE TABLE ${name} (${types.map(([field, type]) => `"${field}" ${SQL_TYPES[type]}`).join(", ")})`,
  );
  const appender = await connection.createAppender(name);
  for (const row of rows) {
    for (const [field, type] of types) {
      const value = row[field];
      if (value === null || value === undefined) appender.appendNull();
      else if (type === "text") appender.appendVarchar(String(value));
      else if (type === "count") appender.appendInteger(Number(value));
      else appender.appendDouble(Number(value));
    }
    appender.endRow();
  }
  appender.closeSync();
}
