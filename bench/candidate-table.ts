import { distinct } from "../src/core/group.ts";
import type { DefectRecord } from "../src/records/defect.ts";
import { type Column, type ColumnKind, type Table, tableMarkdown } from "../src/report/tables.ts";
import { openDatabase } from "../src/store/database.ts";

/** The columns of figures, each from a record; null: not measured. */
export type FiguresOf = Record<string, (record: DefectRecord) => number | null | undefined>;

/** The candidates of a task that a database has, the accepted and the rejected ones. */
export async function candidatesOf(dir: string, task: string): Promise<DefectRecord[]> {
  const db = await openDatabase(dir, { readOnly: true });
  return db
    .listDefects()
    .map((id) => db.readDefect(id))
    .filter((record) => record.task === task);
}

/** Candidates, a row each, and the means of the accepted ones by attack, as Markdown. @param kinds how figures are written that are no rates */
export function candidateTable(
  name: string,
  records: DefectRecord[],
  figures: FiguresOf,
  kinds: Record<string, ColumnKind> = {},
): string {
  const figuresOf = (of: DefectRecord[]) =>
    Object.fromEntries(Object.entries(figures).map(([title, figure]) => [title, mean(of.map(figure))]));
  const rows = records.map((record) => ({
    candidate: `${record.attack} ${record.level} ${record.top}${record.style === "discreet" ? ", discreet" : ""}`,
    ...figuresOf([record]),
    effective: record.effective === null ? null : `${record.effective} of ${record.infected}`,
    outcome: record.reason ?? record.status,
  }));
  const means = distinct(records.map(({ attack }) => attack)).map((attack) => {
    const all = records.filter((record) => record.attack === attack);
    const accepted = all.filter(({ status }) => status === "accepted");
    return {
      candidate: `${attack}, mean of the accepted`,
      ...figuresOf(accepted),
      effective: null,
      outcome: `${accepted.length} of ${all.length}`,
    };
  });
  const columns: Column[] = [
    { key: "candidate", title: "candidate", kind: "text" },
    ...Object.keys(figures).map((title): Column => ({ key: title, title, kind: kinds[title] ?? "rate" })),
    { key: "effective", title: "effective", kind: "text" },
    { key: "outcome", title: "outcome", kind: "text" },
  ];
  const table: Table = { name, caption: `Candidates of ${name}`, columns, rows: [...rows, ...means] };
  return tableMarkdown(table);
}

function mean(values: (number | null | undefined)[]): number | null {
  const measured = values.filter((value) => typeof value === "number");
  return measured.length === 0 ? null : measured.reduce((sum, value) => sum + value, 0) / measured.length;
}
