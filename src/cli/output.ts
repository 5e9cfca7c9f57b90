import { stringify } from "csv-stringify/sync";
import { suggestion } from "../core/closest.ts";
import { InputError } from "../core/errors.ts";
import { csvText as csvCell, oneLine, visibleJson } from "../core/visible.ts";
import { plainText } from "./cell-text.ts";
import { type Listing, lineWidth, listingText, type Row } from "./listing.ts";

export const FORMATS = ["table", "json", "csv"] as const;
export type Format = (typeof FORMATS)[number];

/** What a user asks of the output: the format, and some fields, or all of them whatever the width. */
export interface OutputOptions {
  format: Format;
  fields?: string[];
  long?: boolean;
}

/**
 * Writes rows to stdout: a table for people, a bare JSON array of flat objects or CSV for machines. Unknown is null in
 * JSON, empty in CSV, `-` in a table. Only tables round, and only they leave fields out where the line is too short; a note on stderr
 * says which.
 *
 * @param asked the verb's options; a format alone asks for all fields
 * @param listing the fields and which of them come first; a list is the fields
 * @throws InputError where a field that is asked for is unknown
 */
export function emitRows(
  rows: readonly Row[],
  asked: OutputOptions | Format,
  listing: Listing | readonly string[] = {},
): void {
  const {
    format,
    fields: chosen,
    long,
  }: OutputOptions = typeof asked === "string" ? { format: asked, long: true } : asked;
  const view: Listing = Array.isArray(listing) ? { fields: listing } : (listing as Listing);
  const known = view.fields ?? [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const fields = chosen ? assertKnown(chosen, known) : known;
  const picked = rows.map((row) => Object.fromEntries(fields.map((field) => [field, plain(row[field])])));
  if (format === "json") process.stdout.write(jsonText(picked));
  else if (format === "csv") process.stdout.write(csvText(picked, fields));
  else {
    const whole = chosen !== undefined || long;
    const order = chosen ? {} : view;
    const { table, note } = listingText(picked, fields, order, whole ? Number.POSITIVE_INFINITY : lineWidth());
    // Whoever has gone away misses nothing.
    process.stdout.write(table, (error) => {
      if (note && !error) process.stderr.write(`${note}\n`);
    });
  }
}

/** Tells on stderr what must be known to read the output. */
export function warn(message: string): void {
  process.stderr.write(`warning: ${oneLine(message)}\n`);
}

/** @throws InputError where a field that is asked for is unknown */
export function assertFields(asked: readonly string[], known: readonly string[]): void {
  const unknown = asked.find((field) => !known.includes(field));
  if (unknown === undefined) return;
  throw new InputError(`--fields: unknown field '${unknown}'${suggestion(unknown, known)}; valid: ${known.join(", ")}`);
}

/** Without rows no field is known but those that are published. */
function assertKnown(fields: readonly string[], known: readonly string[]): readonly string[] {
  if (known.length > 0) assertFields(fields, known);
  return fields;
}

/** As JSON has it: undefined and numbers that are none become null, BigInt a number. */
function plain(value: unknown): unknown {
  if (value === undefined) return null;
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "number" && !Number.isFinite(value)) return null;
  return value;
}

function jsonText(rows: Row[]): string {
  return rows.length === 0 ? "[]\n" : `[\n${rows.map((row) => visibleJson(JSON.stringify(row))).join(",\n")}\n]\n`;
}

function csvText(rows: Row[], fields: readonly string[]): string {
  return stringify([fields.map(csvCell), ...rows.map((row) => fields.map((field) => csvValue(row[field])))]);
}

/** Numbers as they are; what a name or reason holds must be no formula to a spreadsheet. */
function csvValue(value: unknown): string {
  return typeof value === "string" ? csvCell(value) : plainText(value);
}
