import Table from "cli-table3";
import { Help } from "commander";
import stringWidth from "string-width";
import { visible } from "../core/visible.ts";
import { columnText } from "./cell-text.ts";

export type Row = Record<string, unknown>;

/** What a listing shows of its rows. */
export interface Listing {
  /** All fields in their published order; else the union of the rows' fields in order of appearance. */
  fields?: readonly string[];
  /** A table's columns where not all fit, the most important first; without them the fields in their order. */
  first?: readonly string[];
  /** Free text such as a reason: it takes the width that is left, and is shortened to it. */
  text?: string;
  /** Whether the free text goes on in further lines where it is too long, in place of being shortened. */
  wrapped?: boolean;
  /** Where not all of `first` fits and several rows share this field, it stands once above their rows. */
  by?: string;
  /** How to see what is left out, where it is not `--long`. */
  more?: string;
}

/** Blanks between two columns. */
const GAP = 2;
/** Free text in less than so many columns says nothing. */
const TEXT_MIN = 14;
const MIN_WIDTH = 20;
const DEFAULT_WIDTH = 80;
/** Of so many fields that were left out the names are given. */
const NAMED = 4;
/** What all rows say is worth a note up to this length. */
const SAYING = 24;

/**
 * Columns of a line on stdout: `COLUMNS` where it is set, else the terminal's width; 80 where stdout is no terminal, so that a
 * listing looks the same in a pipe.
 */
export function lineWidth(): number {
  const given = Number(process.env.COLUMNS);
  if (Number.isInteger(given) && given >= MIN_WIDTH) return given;
  return Math.max((process.stdout.isTTY && process.stdout.columns) || DEFAULT_WIDTH, MIN_WIDTH);
}

/** Breaks lines between words; a word that is longer than a line, such as an id, stays whole. */
export function wrapLines(text: string, width: number): string {
  const help = new Help();
  help.minWidthToWrap = 1;
  return help.boxWrap(text, width);
}

interface Column {
  field: string;
  cells: string[];
  width: number;
  right: boolean;
  /** Whether all rows say the same. */
  constant: boolean;
}

/**
 * A table of columns that fit the width, the most important first. No cell but free text is shortened or wrapped. The first
 * column is always there.
 *
 * @param width columns of a line; infinite: every field
 * @returns the table, and a line on what it leaves out (null: nothing)
 */
export function listingText(
  rows: readonly Row[],
  fields: readonly string[],
  listing: Listing,
  width: number,
): { table: string; note: string | null } {
  const { first = [], text, wrapped = false, by, more = "--long, or --fields a,b" } = listing;
  const order = [...new Set([...first.filter((field) => fields.includes(field)), ...fields])];
  if (order.length === 0) return { table: "", note: null };
  const columns = order.map((field) => columnOf(rows, field));
  const offered = columns.filter(({ field }) => first.length === 0 || first.includes(field));
  if (by !== undefined && lengthOf(offered) > width && new Set(rows.map((row) => row[by])).size < rows.length) {
    return groupedText(rows, fields, { ...listing, by: undefined }, by, width);
  }
  const chosen = lengthOf(columns) <= width ? columns : choose(offered, text, width);
  const textWidth = width - lengthOf(chosen.filter(({ field }) => field !== text)) - GAP;
  const long = chosen.find((column) => column.field === text && column.width > textWidth);
  const cellText = (column: Column, i: number) =>
    wrapped && column === long ? wrapLines(column.cells[i], textWidth) : column.cells[i];
  const widthOf = (column: Column) => (column !== long ? column.width : wrapped ? null : textWidth);
  const table = new Table({
    head: chosen.map(({ field }) => visible(field)),
    colAligns: chosen.map(({ right }) => (right ? "right" : "left")),
    colWidths: chosen.map(widthOf),
    chars: CHARS,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0, compact: true },
  });
  for (const i of rows.keys()) table.push(chosen.map((column) => cellText(column, i)));
  const left = columns.filter((column) => !chosen.includes(column));
  const told = left.filter((column) => offered.includes(column) && saysOneThing(column)).slice(0, NAMED);
  return {
    table: `${table.toString().replace(/[^\S\n]+$/gm, "")}\n`,
    note: noteOf(
      told,
      left.filter((column) => !told.includes(column)),
      wrapped ? undefined : long,
      more,
      width,
    ),
  };
}

/** One table whose rows stand below the value that they share. */
function groupedText(rows: readonly Row[], fields: readonly string[], listing: Listing, by: string, width: number) {
  const others = fields.filter((field) => field !== by);
  const groups = new Map<unknown, Row[]>();
  for (const row of rows) groups.set(row[by], [...(groups.get(row[by]) ?? []), row]);
  const sorted = [...groups.values()].flat();
  const { table, note } = listingText(sorted, others, listing, width - GAP);
  const [head, rule, ...lines] = table.trimEnd().split("\n");
  const indent = " ".repeat(GAP);
  const grouped = lines.flatMap((line, i) => {
    const starts = i === 0 || sorted[i][by] !== sorted[i - 1][by];
    return [...(starts ? [columnText(by, [])(sorted[i][by])] : []), indent + line];
  });
  return { table: `${[by, indent + head, indent + rule, ...grouped].join("\n")}\n`, note };
}

/** No frame: its lines would take the width of two columns. */
const CHARS = {
  ...{ top: "", "top-mid": "", "top-left": "", "top-right": "", bottom: "", "bottom-mid": "", "bottom-left": "" },
  ...{ "bottom-right": "", left: "", "left-mid": "", right: "", "right-mid": "" },
  ...{ mid: "─", "mid-mid": " ".repeat(GAP), middle: " ".repeat(GAP) },
};

function columnOf(rows: readonly Row[], field: string): Column {
  const show = columnText(
    field,
    rows.map((row) => row[field]),
  );
  const cells = rows.map((row) => show(row[field]));
  const width = [field, ...cells].reduce((most, cell) => Math.max(most, stringWidth(cell)), 1);
  const right = rows.some((row) => typeof row[field] === "number");
  return { field, cells, width, right, constant: rows.length > 1 && cells.every((cell) => cell === cells[0]) };
}

/** A column that says the same in every row gives way to the others: the note says it once. */
function choose(columns: readonly Column[], text: string | undefined, width: number): Column[] {
  const [key, ...others] = columns;
  const chosen = [key];
  for (const constant of [false, true]) {
    for (const column of others.filter((other) => other.constant === constant)) {
      if (lengthOf([...chosen, column], text) <= width) chosen.push(column);
    }
  }
  return columns.filter((column) => chosen.includes(column));
}

/** How long a line of these columns is. @param text counts as its least width */
function lengthOf(columns: readonly Column[], text?: string): number {
  const widths = columns.map(({ field, width }) =>
    field === text ? Math.min(width, Math.max(TEXT_MIN, field.length)) : width,
  );
  return widths.reduce((sum, width) => sum + width, 0) + GAP * Math.max(columns.length - 1, 0);
}

function saysOneThing({ constant, cells }: Column): boolean {
  return constant && cells[0] !== "-" && cells[0].length <= SAYING;
}

/** One line, of which as many names are given as fit. */
function noteOf(
  told: readonly Column[],
  others: readonly Column[],
  shortened: Column | undefined,
  more: string,
  width: number,
): string | null {
  if (told.length + others.length === 0 && !shortened) return null;
  // A note that says nothing by name would help nobody.
  const least = told.length > 0 ? 0 : 1;
  let note = "";
  for (let names = NAMED; names >= least; names--) {
    note = noteWith(names, told, others, shortened, more);
    if (note.length <= width) break;
  }
  return note;
}

function noteWith(
  names: number,
  told: readonly Column[],
  others: readonly Column[],
  shortened: Column | undefined,
  more: string,
): string {
  const parts: string[] = [];
  if (told.length > 0) parts.push(`in every row: ${told.map(({ field, cells }) => `${field} ${cells[0]}`).join(", ")}`);
  if (others.length > 0) {
    const named = others.slice(0, names).map(({ field }) => field);
    if (others.length > names) named.push("…");
    const counted = `${others.length} more field${others.length > 1 ? "s" : ""}`;
    parts.push(names === 0 ? counted : `${counted} (${named.join(", ")})`);
  }
  if (shortened) parts.push(`${shortened.field} is shortened`);
  return `${parts.join("; ")}: ${more}`;
}
