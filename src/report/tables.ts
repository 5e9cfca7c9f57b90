import { stringify } from "csv-stringify/sync";
import { csvText, markdownText, visible } from "../core/visible.ts";
import type { Estimate } from "../score/bootstrap.ts";
import { type Html, html } from "./html.ts";

export type { Estimate };

export type Cell = string | number | Estimate | null;

/**
 * How a column is written for people: `rate` fractions to 3 decimals, `signed` the same with their sign, `estimate` a
 * signed difference with its interval, `level` an unsigned mean with its interval, `p` a p-value. CSV never rounds.
 */
export type ColumnKind = "text" | "id" | "count" | "rate" | "signed" | "estimate" | "level" | "p" | "seconds" | "bytes";

export interface Column {
  key: string;
  title: string;
  kind: ColumnKind;
  /** Heading over neighbouring columns of the same group. */
  group?: string;
}

/** One table, independent of what it is written as. The first column names the row. */
export interface Table {
  /** File name without extension. */
  name: string;
  caption: string;
  columns: Column[];
  rows: Record<string, Cell>[];
}

const MINUS = "\u2212";
/** Longer text may break over lines. */
const LONG = 24;

/** A number with the true minus sign. */
function signless(text: string): string {
  return text.replace("-", MINUS);
}

function signed(value: number): string {
  const text = value.toFixed(3);
  return signless(Number(text) > 0 ? `+${text}` : text.replace(/^-(0\.000)$/, "$1"));
}

/** A cell as people read it; unknown is an en dash. */
export function cellText(value: Cell | undefined, kind: ColumnKind): string {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value === "object") {
    const show = kind === "level" ? (v: number) => signless(v.toFixed(3)) : signed;
    const interval = value.low === null || value.high === null ? "" : ` [${show(value.low)}, ${show(value.high)}]`;
    return show(value.value) + interval;
  }
  if (typeof value === "string") return value;
  switch (kind) {
    case "rate":
      return signless(value.toFixed(3));
    case "signed":
      return signed(value);
    case "p":
      return value < 0.001 ? "<0.001" : value.toFixed(3);
    case "seconds":
      return value.toFixed(value < 10 ? 2 : 1);
    case "bytes":
      return value < 10_000 ? `${value} B` : `${(value / 1000).toFixed(0)} kB`;
    default:
      return Number.isInteger(value) ? String(value) : value.toFixed(1);
  }
}

/** Whether an interval leaves out zero: only then may a difference be called one. */
export function excludesZero(value: Cell | undefined): boolean {
  if (typeof value !== "object" || value === null || value.low === null || value.high === null) return false;
  return value.low > 0 || value.high < 0;
}

export interface TableView {
  /** How many rows at most. */
  shown?: number;
  /** Only these columns, under this caption: wide tables are split in the page. */
  part?: { keys: readonly string[]; caption: string };
  /** Where the first cell of a row leads in the page; null: nowhere. */
  anchor?(name: string): string | null;
}

/** The table for the page: caption, scoped headings, numbers that a script can sort by. */
export function tableHtml(
  table: Table,
  { shown = table.rows.length, part, anchor = () => null }: TableView = {},
): Html {
  const { rows } = table;
  const columns = table.columns.filter(({ key }) => part?.keys.includes(key) ?? true);
  const caption = part?.caption ?? table.caption;
  const spans = groupSpans(columns);
  const grouped = spans.some(({ title }) => title !== "");
  const heading = (column: Column, rowspan?: string) =>
    html`<th scope="col" class="${column.kind}" rowspan="${rowspan ?? "1"}">${column.title}</th>`;
  const above = spans.map(({ title, columns: inside }) =>
    title === ""
      ? inside.map((column) => heading(column, "2"))
      : html`<th scope="colgroup" class="group" colspan="${inside.length}">${title}</th>`,
  );
  const below = columns.filter(({ group }) => group).map((column) => heading(column));
  const head = grouped
    ? html`<tr>${above}</tr><tr>${below}</tr>`
    : html`<tr>${columns.map((column) => heading(column))}</tr>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}">
<table><caption>${caption}</caption>
<thead>${head}</thead>
<tbody>${rows.slice(0, shown).map((row) => rowHtml(columns, row, anchor))}</tbody></table></div>
${shown < rows.length && html`<p class="note">The first ${shown} of ${rows.length} rows; <code>bdefects report --out DIR</code> writes all of them.</p>`}`;
}

function rowHtml(columns: Column[], row: Record<string, Cell>, anchor: (name: string) => string | null): Html {
  const cells = columns.map((column, i) => {
    const value = row[column.key];
    const text = cellText(value, column.kind);
    if (i === 0) {
      const to = anchor(text);
      return html`<th scope="row" class="${column.kind}">${to === null ? text : html`<a href="#${to}">${text}</a>`}</th>`;
    }
    const classes = `${column.kind}${excludesZero(value) ? " clear" : ""}${text.length > LONG ? " long" : ""}`;
    const number = typeof value === "object" ? value?.value : value;
    return html`<td class="${classes}" data-v="${number ?? ""}">${text}</td>`;
  });
  return html`<tr>${cells}</tr>\n`;
}

function groupSpans(columns: Column[]): { title: string; columns: Column[] }[] {
  const spans: { title: string; columns: Column[] }[] = [];
  for (const column of columns) {
    const last = spans.at(-1);
    if (last && last.title === (column.group ?? "")) last.columns.push(column);
    else spans.push({ title: column.group ?? "", columns: [column] });
  }
  return spans;
}

/** A heading that stands alone: its group before its title. */
function fullTitle({ group, title }: Column): string {
  return group ? `${group}: ${title}` : title;
}

function isText({ kind }: Column): boolean {
  return kind === "text" || kind === "id";
}

/** CSV with machine names and unrounded numbers; an estimate takes three columns. Unknown is empty. */
export function tableCsv({ columns, rows }: Table): string {
  const isEstimate = ({ kind }: Column) => kind === "estimate" || kind === "level";
  const header = columns.flatMap((column) =>
    isEstimate(column) ? [column.key, `${column.key}_low`, `${column.key}_high`] : [column.key],
  );
  const records = rows.map((row) =>
    columns.flatMap((column) => {
      const value = row[column.key] ?? null;
      if (!isEstimate(column)) return [value as string | number | null];
      return value === null
        ? [null, null, null]
        : [(value as Estimate).value, (value as Estimate).low, (value as Estimate).high];
    }),
  );
  return stringify([
    header,
    ...records.map((record) =>
      record.map((value) => (typeof value === "string" ? csvText(value) : (value?.toString() ?? ""))),
    ),
  ]);
}

/** A GitHub-flavoured Markdown table under its caption. */
export function tableMarkdown({ columns, rows, caption }: Table): string {
  const cell = markdownText;
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  return [
    `**${cell(caption)}**`,
    "",
    line(columns.map((column) => cell(fullTitle(column)))),
    line(columns.map((column) => (isText(column) ? "---" : "---:"))),
    ...rows.map((row) => line(columns.map(({ key, kind }) => cell(cellText(row[key], kind))))),
    "",
  ].join("\n");
}

const LATEX: Record<string, string> = {
  "\\": "\\textbackslash{}",
  "~": "\\textasciitilde{}",
  "^": "\\textasciicircum{}",
  "−": "$-$",
  "–": "--",
  "|": "$|$",
  "∖": "$\\setminus$",
  "<": "$<$",
  ">": "$>$",
  "≥": "$\\geq$",
  "≤": "$\\leq$",
  "×": "$\\times$",
  "±": "$\\pm$",
};

function latexText(text: string): string {
  return visible(text.replace(/\s+/g, " ")).replace(/[\\~^−–|∖<>≥≤×±]|[&%$#_{}]/g, (c) => LATEX[c] ?? `\\${c}`);
}

/** Sentences get a column that breaks lines. */
const LATEX_SENTENCE = 60;

/** A LaTeX `table` float with the rules of the booktabs package. */
export function tableLatex({ name, columns, rows, caption }: Table): string {
  const shape = (column: Column) => {
    if (!isText(column)) return "r";
    const sentences = rows.some((row) => cellText(row[column.key], column.kind).length > LATEX_SENTENCE);
    return sentences ? "p{6cm}" : "l";
  };
  const line = (cells: string[]) => `${cells.map(latexText).join(" & ")} \\\\`;
  return [
    "\\begin{table}",
    "  \\centering",
    `  \\caption{${latexText(caption)}}`,
    `  \\label{tab:${name}}`,
    `  \\begin{tabular}{${columns.map(shape).join("")}}`,
    "    \\toprule",
    `    ${line(columns.map(fullTitle))}`,
    "    \\midrule",
    ...rows.map((row) => `    ${line(columns.map(({ key, kind }) => cellText(row[key], kind)))}`),
    "    \\bottomrule",
    "  \\end{tabular}",
    "\\end{table}",
    "",
  ].join("\n");
}
