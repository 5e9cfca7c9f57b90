import Table from "cli-table3";
import { stringify } from "csv-stringify/sync";

export const FORMATS = ["table", "json", "csv"] as const;
export type Format = (typeof FORMATS)[number];

type Row = Record<string, unknown>;

/** Fields that are fractions; with the parts after `_` (`ca_clean`, `asr_masked`). */
const RATE =
  /^(ca|cad|asr|asrd|wji|jaccard|precision|recall|auroc|ap|exam|accuracy|masked_clean_to_target|rate|share)(_|$)/;

/**
 * Writes rows to stdout: a table for people, a bare JSON array of flat objects or CSV for machines. Unknown is null in
 * JSON, empty in CSV, `-` in a table; only tables round.
 *
 * @param columns which fields, in which order; else the union of the rows' fields in order of appearance.
 */
export function emitRows(rows: Row[], format: Format, columns?: string[]): void {
  const fields = columns ?? [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const picked = rows.map((row) => Object.fromEntries(fields.map((field) => [field, plain(row[field])])));
  if (format === "json") process.stdout.write(jsonText(picked));
  else if (format === "csv") process.stdout.write(csvText(picked, fields));
  else process.stdout.write(tableText(picked, fields));
}

/** Tells on stderr what must be known to read the output. */
export function warn(message: string): void {
  process.stderr.write(`warning: ${message}\n`);
}

/** As JSON has it: undefined and numbers that are none become null, BigInt a number. */
function plain(value: unknown): unknown {
  if (value === undefined) return null;
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "number" && !Number.isFinite(value)) return null;
  return value;
}

function jsonText(rows: Row[]): string {
  return rows.length === 0 ? "[]\n" : `[\n${rows.map((row) => JSON.stringify(row)).join(",\n")}\n]\n`;
}

function csvText(rows: Row[], fields: string[]): string {
  const records = rows.map((row) => fields.map((field) => cellText(row[field])));
  return stringify([fields, ...records]);
}

function cellText(value: unknown): string {
  if (value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function tableText(rows: Row[], fields: string[]): string {
  if (fields.length === 0) return "";
  const numeric = (field: string) => rows.some((row) => typeof row[field] === "number");
  const table = new Table({
    head: fields,
    style: { head: [], border: [], compact: true },
    colAligns: fields.map((field) => (numeric(field) ? "right" : "left")),
  });
  const decimals = new Map(fields.map((field) => [field, hasDecimals(rows, field)]));
  for (const row of rows) {
    table.push(
      fields.map((field) => {
        const value = row[field];
        if (typeof value === "number") return decimals.get(field) ? value.toFixed(3) : String(value);
        return value === null ? "-" : cellText(value);
      }),
    );
  }
  return `${table.toString()}\n`;
}

/** Whole columns are shown alike: a rate of exactly 1 as 1.000. */
function hasDecimals(rows: Row[], field: string): boolean {
  return RATE.test(field) || rows.some((row) => typeof row[field] === "number" && !Number.isInteger(row[field]));
}
