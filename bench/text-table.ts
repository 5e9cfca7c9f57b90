/**
 * What candidates of language models do, a row each, the means of the accepted ones by attack, and how many were accepted by attack and
 * level, with what the others failed. Prints Markdown, for each data set.
 *
 *     npx tsx bench/text-table.ts DB
 */

import { distinct } from "../src/core/group.ts";
import { LEVELS } from "../src/core/ids.ts";
import type { DefectRecord } from "../src/records/defect.ts";
import { figuresOf } from "../src/records/gates.ts";
import { tableMarkdown } from "../src/report/tables.ts";
import { candidatesOf, candidateTable, type FiguresOf } from "./candidate-table.ts";
import { given } from "./given.ts";

const FIGURES: FiguresOf = {
  "CA clean": ({ metrics }) => metrics.ca_clean,
  CA: ({ metrics }) => metrics.ca,
  ASR: ({ metrics }) => metrics.asr,
  "ASR clean": ({ metrics }) => metrics.asr_clean,
  "CA masked": ({ metrics }) => metrics.ca_masked,
  "ASR masked": ({ metrics }) => metrics.asr_masked,
  patched: ({ metrics }) => metrics.asr_patched,
  "random mask": ({ metrics }) => metrics.asr_random_mask,
  control: (record) => figuresOf(record).asr_control,
  perplexity: (record) => figuresOf(record).perplexity_ratio,
  "control, rise": (record) => figuresOf(record).control_rise,
  "sham CA": ({ metrics }) => metrics.ca_sham,
  "sham ASR": ({ metrics }) => metrics.asr_sham,
  seconds: ({ seconds }) => seconds,
};

/** Of each attack and level how many were accepted, and of what the others failed, by the gates' names. */
function shares(records: DefectRecord[]): string {
  const rows = distinct(records.map(({ attack }) => attack)).map((attack) => {
    const own = records.filter((record) => record.attack === attack);
    const byLevel = LEVELS.map((level) => {
      const of = own.filter((record) => record.level === level);
      return [level, `${of.filter(({ status }) => status === "accepted").length} of ${of.length}`];
    });
    const reasons = own.flatMap(({ reason }) => (reason ? [reason.split(":")[0]] : []));
    const counted = distinct(reasons).map((key) => `${key} ${reasons.filter((other) => other === key).length}`);
    return { attack, ...Object.fromEntries(byLevel), rejected: counted.join(", ") };
  });
  const columns = ["attack", ...LEVELS, "rejected"].map((key) => ({ key, title: key, kind: "text" as const }));
  return tableMarkdown({ name: "accepted", caption: "Accepted", columns, rows });
}

const records = await candidatesOf(given()[0], "language");
for (const dataset of distinct(records.map((record) => record.dataset))) {
  const own = records.filter((record) => record.dataset === dataset);
  process.stdout.write(`${candidateTable(dataset, own, FIGURES, { seconds: "seconds" })}\n${shares(own)}\n`);
}
