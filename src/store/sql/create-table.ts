import type { DuckDBConnection } from "@duckdb/node-api";

/** What a column holds: `count` whole numbers, `number` any, `flag` true or false. */
export type ColumnType = "text" | "count" | "number" | "flag";

export type FlatRow = Readonly<Record<string, string | number | boolean | null>>;

const SQL_TYPES: Record<ColumnType, string> = { text: "VARCHAR", count: "INTEGER", number: "DOUBLE", flag: "BOOLEAN" };

/**
 * Makes a table and appends rows to it; unknown is null.
 * @param name and columns are SQL names of this program's own
 * @returns how many rows there were
 */
export async function createTable(
  connection: DuckDBConnection,
  name: string,
  columns: Readonly<Record<string, ColumnType>>,
  rows: Iterable<FlatRow>,
): Promise<number> {
  const types = Object.entries(columns);
  await connection.run(
    `CREATE TABLE ${name} (${types.map(([field, type]) => `"${field}" ${SQL_TYPES[type]}`).join(", ")})`,
  );
  const appender = await connection.createAppender(name);
  let count = 0;
  for (const row of rows) {
    count++;
    for (const [field, type] of types) {
      const value = row[field];
      if (value === null || value === undefined) appender.appendNull();
      else if (type === "text") appender.appendVarchar(String(value));
      else if (type === "flag") appender.appendBoolean(value === true);
      else if (type === "count") appender.appendInteger(Number(value));
      else appender.appendDouble(Number(value));
    }
    appender.endRow();
  }
  appender.closeSync();
  return count;
}
