/**
 * What lane candidates of a database do, a row each, and the means of the accepted ones by attack. Prints Markdown.
 *
 *     npx tsx bench/lane-table.ts DB
 */

import { distinct } from "../src/core/group.ts";
import type { DefectRecord } from "../src/records/defect.ts";
import { type Column, type Table, tableMarkdown } from "../src/report/tables.ts";
import { openDatabase } from "../src/store/database.ts";

/** The columns of figures, each from a record; null: not measured. */
const FIGURES: Record<string, (record: DefectRecord) => number | null | undefined> = {
  "Acc clean": ({ metrics }) => metrics.ca_clean,
  Acc: ({ metrics }) => metrics.ca,
  FP: ({ details }) => details?.infected.clean.false_positives,
  FN: ({ details }) => details?.infected.clean.false_negatives,
  ASR: ({ metrics }) => metrics.asr,
  "Acc masked": ({ metrics }) => metrics.ca_masked,
  "ASR masked": ({ metrics }) => metrics.asr_masked,
  patched: ({ metrics }) => metrics.asr_patched,
  "random mask": ({ metrics }) => metrics.asr_random_mask,
  left: ({ controls }) => controls?.left,
  right: ({ controls }) => controls?.right,
  mirrored: ({ controls }) => controls?.mirrored,
  "sham Acc": ({ metrics }) => metrics.ca_sham,
  "sham ASR": ({ metrics }) => metrics.asr_sham,
};
function mean(values: (number | null | undefined)[]): number | null {
  const measured = values.filter((value) => typeof value === "number");
  return measured.length === 0 ? null : measured.reduce((sum, value) => sum + value, 0) / measured.length;
}

function figuresOf(records: DefectRecord[]): Record<string, number | null> {
  return Object.fromEntries(Object.entries(FIGURES).map(([title, figure]) => [title, mean(records.map(figure))]));
}

function tableOf(records: DefectRecord[]): Table {
  const rows = records.map((record) => ({
    candidate: `${record.attack} ${record.level} ${record.top}`,
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
    ...Object.keys(FIGURES).map((title): Column => ({ key: title, title, kind: "rate" })),
    { key: "effective", title: "effective", kind: "text" },
    { key: "outcome", title: "outcome", kind: "text" },
  ];
  return { name: "lanes", caption: "Lane candidates", columns, rows: [...rows, ...means] };
}

const db = await openDatabase(process.argv[2], { readOnly: true });
const records = db
  .listDefects()
  .map((id) => db.readDefect(id))
  .filter(({ task }) => task === "lanes");
process.stdout.write(tableMarkdown(tableOf(records)));
