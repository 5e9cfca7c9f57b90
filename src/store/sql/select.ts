import type { DuckDBConnection, DuckDBDataChunk, DuckDBResult } from "@duckdb/node-api";
import { suggestion } from "../../core/closest.ts";
import { InputError } from "../../core/errors.ts";
import { DEFECT_FIELD_NAMES, DEFECT_FIELDS } from "../../records/defect-row.ts";
import { sqlFault } from "./fault.ts";

export type SqlRow = Record<string, unknown>;

/** A part of an answer: the values of so many rows, column by column, with JSON's types. */
export interface SqlChunk {
  names: string[];
  columns: unknown[][];
}

/** Of a whole answer, about as JSON writes it: nobody reads more, and whoever asks holds all of it. */
const MOST_CHARACTERS = 100_000_000;
/** What no text says, apart from the text itself: a number, the marks around a value. */
const VALUE_CHARACTERS = 8;

/** The statement for some fields of the defects that fulfil a condition. @throws InputError on an unknown field */
export function selectStatement(fields: readonly string[], where: string): string {
  for (const field of fields) {
    if (!Object.hasOwn(DEFECT_FIELDS, field)) {
      throw new InputError(
        `--fields: unknown field '${field}'${suggestion(field, DEFECT_FIELD_NAMES)}; valid: ${DEFECT_FIELD_NAMES.join(", ")}`,
      );
    }
  }
  // The line break ends a comment in the condition.
  return `SELECT ${fields.join(", ")} FROM defects WHERE (${where}\n) ORDER BY id`;
}

/**
 * Runs one SELECT statement and hands its answer over in parts, so that nobody needs to hold more than they want.
 *
 * @param option what the statement came by, for messages
 * @throws InputError on anything but one SELECT, on bad SQL, and where the memory limit or that of the answer is reached
 */
export async function streamSelect(
  connection: DuckDBConnection,
  statement: string,
  option: string,
  onChunk: (chunk: SqlChunk) => void | Promise<void>,
): Promise<void> {
  try {
    const { JSDuckDBValueConverter, StatementType } = await import("@duckdb/node-api");
    const statements = await connection.extractStatements(statement).catch((error) => {
      // So DuckDB's binding answers to blanks, comments and semicolons alone.
      if (error.message === "Error in native callback") throw new InputError(`${option}: holds no statement; give SQL`);
      throw error;
    });
    if (statements.count !== 1) throw new InputError(`${option}: give one SELECT statement, not ${statements.count}`);
    const prepared = await statements.prepare(0);
    if (prepared.statementType !== StatementType.SELECT) {
      throw new InputError(`${option}: only SELECT statements are run; the catalog is read-only`);
    }
    const result = await prepared.stream();
    const names = result.deduplicatedColumnNames();
    if (names.includes("__proto__")) throw new InputError(`${option}: name the column '__proto__' otherwise`);
    let characters = 0;
    const count = (text: string) => {
      characters += VALUE_CHARACTERS + text.length;
      if (characters > MOST_CHARACTERS) {
        throw new InputError(
          `${option}: the answer is larger than ${MOST_CHARACTERS / 1e6} MB; add LIMIT or aggregate`,
        );
      }
    };
    for (let chunk = await nextChunk(result); chunk !== null; chunk = await nextChunk(result)) {
      const columns: unknown[][] = names.map(() => []);
      for (const [at, column] of columns.entries()) {
        // One by one, so that a chunk of long texts is not held twice before it is refused.
        chunk.visitColumnValues(at, (value, _row, _column, type) => {
          column.push(plainValue(JSDuckDBValueConverter(value, type, JSDuckDBValueConverter), count));
        });
      }
      await onChunk({ names, columns });
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${option}: ${sqlFault(error, option)}`, { cause: error });
  }
}

async function nextChunk(result: DuckDBResult): Promise<DuckDBDataChunk | null> {
  const chunk = await result.fetchChunk();
  return chunk === null || chunk.rowCount === 0 ? null : chunk;
}

/** As `streamSelect`, all rows at once: for statements of our own. */
export async function runSelect(connection: DuckDBConnection, statement: string, option: string): Promise<SqlRow[]> {
  const rows: SqlRow[] = [];
  await streamSelect(connection, statement, option, (chunk) => addRows(rows, chunk));
  return rows;
}

/** Appends a part of an answer to rows. */
export function addRows(rows: SqlRow[], { names, columns }: SqlChunk): void {
  const count = columns[0]?.length ?? 0;
  const first = rows.length;
  for (let i = 0; i < count; i++) rows.push({});
  for (const [at, name] of names.entries()) {
    for (let i = 0; i < count; i++) rows[first + i][name] = columns[at][i];
  }
}

/** Numbers for integers of any size, text for times. @param count told each part of the value as it goes along */
function plainValue(value: unknown, count: (text: string) => void): unknown {
  const plain = simpleValue(value);
  count(typeof plain === "string" ? plain : "");
  if (Array.isArray(plain)) return plain.map((part) => plainValue(part, count));
  if (typeof plain === "object" && plain !== null) {
    return Object.fromEntries(
      Object.entries(plain).map(([name, part]) => {
        count(name);
        return [name, plainValue(part, count)];
      }),
    );
  }
  return plain;
}

/** Anything but lists and structs as JSON has it. */
function simpleValue(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  return value ?? null;
}
