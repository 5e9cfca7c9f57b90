import { distinct, groupBy } from "../../core/group.ts";
import { median } from "../../core/statistics.ts";
import type { ReportData } from "../collect.ts";
import { type Html, html } from "../html.ts";
import { type Cell, type Table, tableHtml } from "../tables.ts";
import { BUDGET } from "./criteria-tables.ts";

/** One run of a criterion or repair on one model. */
interface Run {
  name: string;
  step: "criterion" | "repair";
  arch: string;
  seconds: number;
}

/** What each criterion and repair takes per model, by architecture; null where nothing was judged. */
export function time(data: ReportData): { table: Table; body: Html } | null {
  const runs = runsOf(data);
  const order = data.ranking.map(({ criterion }) => criterion);
  // Criteria as everywhere, then repairs.
  const place = ({ step, name }: Run) => (step === "repair" ? order.length : order.indexOf(name));
  const table: Table = {
    name: "time",
    caption: "Seconds per model, as they were measured where the results were made",
    columns: [
      { key: "name", title: "criterion or repair", kind: "id" },
      { key: "step", title: "step", kind: "text" },
      { key: "arch", title: "architecture", kind: "text" },
      { key: "models", title: "models", kind: "count" },
      { key: "median", title: "median", kind: "seconds", group: "seconds" },
      { key: "least", title: "least", kind: "seconds", group: "seconds" },
      { key: "most", title: "most", kind: "seconds", group: "seconds" },
      BUDGET,
    ],
    rows: [...groupBy(runs, ({ step, name }) => `${step} ${name}`).values()]
      .sort(([a], [b]) => place(a) - place(b))
      .flatMap(rowsOf)
      .map((row) => ({ ...row, budget: data.budget })),
  };
  if (runs.length === 0) return null;
  return {
    table,
    body: html`<p>A criterion's time is that of one model, infected or not; a repair's is without measuring it. Processes that ran side by
side shared the processor, so compare ratios.</p>
${tableHtml(table)}`,
  };
}

function runsOf({ scores, repairs, accepted }: ReportData): Run[] {
  const arch = new Map(accepted.map((record) => [record.id, record.arch]));
  // A prediction has a row for every way of judging it.
  const predictions = groupBy(scores, ({ criterion, id, version }) => `${criterion} ${id} ${version}`);
  return [
    // Of scores that were computed elsewhere nobody knows.
    ...[...predictions.values()].flatMap(([{ criterion, id, seconds }]): Run[] =>
      seconds === null ? [] : [{ name: criterion, step: "criterion", arch: arch.get(id)!, seconds }],
    ),
    ...repairs.map(({ method, id, seconds }): Run => ({ name: method, step: "repair", arch: arch.get(id)!, seconds })),
  ];
}

function rowsOf(runs: readonly Run[]): Record<string, Cell>[] {
  const archs = distinct(runs.map(({ arch }) => arch)).sort();
  const [{ name, step }] = runs;
  const row = (arch: string, inside: readonly Run[]): Record<string, Cell> => {
    const sorted = inside.map(({ seconds }) => seconds).sort((a, b) => a - b);
    return {
      ...{ name, step, arch, models: sorted.length, median: median(sorted) },
      ...{ least: sorted[0], most: sorted.at(-1)! },
    };
  };
  const each = archs.map((arch) =>
    row(
      arch,
      runs.filter((run) => run.arch === arch),
    ),
  );
  return archs.length > 1 ? [row("all", runs), ...each] : each;
}
