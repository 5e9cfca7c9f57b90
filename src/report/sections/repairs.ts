import { groupBy } from "../../core/group.ts";
import type { MeasuredRepair } from "../../records/repair.ts";
import { bootstrapMean } from "../../score/bootstrap.ts";
import { cellMean, cellOf } from "../../score/cells.ts";
import { acceptedShare } from "../acceptance.ts";
import type { ReportData } from "../collect.ts";
import { FACTORS, valuesOf } from "../factors.ts";
import { type Dot, dotPlot } from "../figures/dots.ts";
import { type Figure, figureHtml } from "../figures/figure.ts";
import { SERIES } from "../figures/plot.ts";
import { html } from "../html.ts";
import { accessOfUsing } from "../repair-access.ts";
import type { Section } from "../section.ts";
import { type Estimate, type Table, tableHtml } from "../tables.ts";
import { BUDGET } from "./criteria-tables.ts";
import { repairTable } from "./repair-breakdown.ts";
import { repairControls } from "./repair-controls.ts";

/** More rows than these are folded. */
const OPEN_ROWS = 14;

interface RepairSummary {
  method: string;
  using: string;
  /** What the choice of neurons had seen. */
  access: string | null;
  cases: number;
  /** Clean models behind them. */
  models: number;
  /** Share of all candidates that were accepted. */
  accepted: number | null;
  neurons: number;
  asrBefore: number;
  asrAfter: number;
  caBefore: number;
  caAfter: number;
  asrd: Estimate;
  cad: Estimate;
}

/** What repairing the named neurons gains and costs, between the oracle and chance. */
export async function repairs(data: ReportData): Promise<Section> {
  const rows = summarizeRepairs(data);
  const table: Table = {
    name: "repairs",
    caption: "Repairs: means over the defects",
    columns: [
      { key: "using", title: "neurons chosen by", kind: "id" },
      { key: "access", title: "which see", kind: "text" },
      { key: "method", title: "method", kind: "text" },
      { key: "asrd", title: "drop (ASRD)", kind: "level", group: "ASR" },
      { key: "asrBefore", title: "before", kind: "rate", group: "ASR" },
      { key: "asrAfter", title: "after", kind: "rate", group: "ASR" },
      { key: "cad", title: "drop (CAD)", kind: "level", group: "CA" },
      { key: "caBefore", title: "before", kind: "rate", group: "CA" },
      { key: "caAfter", title: "after", kind: "rate", group: "CA" },
      { key: "neurons", title: "mean neurons", kind: "count" },
      { key: "cases", title: "defects", kind: "count", group: "mean over" },
      { key: "models", title: "clean models", kind: "count", group: "mean over" },
      { key: "accepted", title: "accepted", kind: "rate", group: "mean over" },
      BUDGET,
    ],
    rows: rows.map((row) => ({ ...row, budget: data.budget })),
  };
  const repaired = new Set(data.repairs.map(({ id }) => id));
  const records = data.accepted.filter(({ id }) => repaired.has(id));
  const differing = FACTORS.filter((factor) => valuesOf(factor, records).length > 1);
  const factors = differing.map((factor) => repairTable(data, rows, factor));
  const controls = repairControls(data);
  const figures = await Promise.all([...groupBy(rows, ({ method }) => method).values()].map(figureOf));
  return {
    id: "repairs",
    title: "Repairs",
    tables: [...(rows.length === 0 ? [] : [table, ...factors]), ...(controls ? [controls.table] : [])],
    figures,
    body: html`${
      rows.length === 0
        ? html`<p>No repairs${controls && " of infected models"} yet: <code>bdefects repair --method prune --using oracle,random --db DIR</code> makes them.</p>`
        : html`<p>Each repair treats the neurons that a criterion names. Good repairs lower the attack success rate much (high ASRD)
and the clean accuracy little (low CAD). <b>oracle</b> repairs exactly the infected neurons, as if localization were perfect; those among them that also
serve the clean task cost accuracy. <b>random</b> repairs as many neurons drawn at random: the floor. A criterion's name alone stands for its
native set, <code>:topk</code> for its top |G|. Only criteria that see the same compete with each other.</p>
<div class="pair">${figures.map(figureHtml)}</div>
<details${rows.length <= OPEN_ROWS && html` open`}><summary>All repairs as numbers</summary>${tableHtml(table)}</details>
${
  factors.length > 0 &&
  html`<details><summary>Repairs by ${differing.map(({ title }) => title).join(", ")}</summary>${factors.map((part) => tableHtml(part))}</details>`
}`
    }${controls && html`\n${controls.body}`}`,
  };
}

/** The method of most defects first; inside each the oracle first, random last, and between them criteria in the order of the ranking. */
export function summarizeRepairs({
  repairs,
  scores,
  accepted,
  candidates,
  manifest,
  ranking,
}: ReportData): RepairSummary[] {
  const order = ranking.map(({ criterion }) => criterion);
  const share = acceptedShare(candidates);
  const cluster = new Map(accepted.map((record) => [record.id, record.clean]));
  const summaries = [...groupBy(repairs, ({ method, using }) => `${method} ${using}`)].map(
    ([key, cell]): RepairSummary => {
      const mean = (value: (repair: MeasuredRepair) => number) =>
        cellMean(cell.map((repair) => ({ value: value(repair), cell: cellOf(repair.id) })));
      const estimate = (name: string, value: (repair: MeasuredRepair) => number) =>
        bootstrapMean(
          cell.map((repair) => ({ value: value(repair), cell: cellOf(repair.id), cluster: cluster.get(repair.id)! })),
          manifest.seed,
          `${key} ${name}`,
        )!;
      const [{ method, using }] = cell;
      return {
        method,
        using,
        access: accessOfUsing({ scores }, using),
        cases: cell.length,
        models: new Set(cell.map(({ id }) => cluster.get(id))).size,
        accepted: share,
        neurons: Math.round(10 * mean(({ neurons }) => neurons.length)) / 10,
        asrBefore: mean((repair) => repair.asr_before),
        asrAfter: mean((repair) => repair.asr_after),
        caBefore: mean((repair) => repair.ca_before),
        caAfter: mean((repair) => repair.ca_after),
        asrd: estimate("asrd", (repair) => repair.asr_before - repair.asr_after),
        cad: estimate("cad", (repair) => repair.ca_before - repair.ca_after),
      };
    },
  );
  const place = ({ using }: RepairSummary) => {
    if (using === "oracle") return -1;
    const at = order.indexOf(using.split(":")[0]);
    return using === "random" || at < 0 ? order.length : at;
  };
  const size = (method: string) =>
    Math.max(...summaries.filter((row) => row.method === method).map(({ cases }) => cases));
  return summaries.sort(
    (a, b) =>
      size(b.method) - size(a.method) ||
      compare(a.method, b.method) ||
      place(a) - place(b) ||
      compare(a.using, b.using),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Own sets alone: with the top |G| of each criterion beside them the drawing would be twice as long. */
async function figureOf(all: readonly RepairSummary[]): Promise<Figure> {
  const [{ method }] = all;
  const own = all.filter(({ using }) => !using.includes(":"));
  const rows = own.length > 0 ? own : all;
  const dots = rows.flatMap((row): Dot[] => {
    const seen = row.access === "failing" || (row.access === "oracle" && row.using !== "oracle");
    const sample = all.some(({ cases }) => cases !== row.cases) ? ` (n = ${row.cases})` : "";
    const name = `${row.using}${seen ? ` (${row.access})` : ""}${sample}`;
    return [
      { row: name, series: "attack success removed (ASRD)", ...row.asrd },
      { row: name, series: "clean accuracy lost (CAD)", ...row.cad },
    ];
  });
  const uneven = all.some(({ cases }) => cases !== all[0].cases);
  return {
    name: `repairs-${method}`,
    caption: `What ${method} gains and costs, with 95 % intervals. Far right for ASRD and near zero for CAD is best.${uneven ? " After a name: on how many defects." : ""}`,
    alt: `Mean drops of attack success and of clean accuracy by ${method}: ${rows.map(({ using, asrd, cad }) => `${using} ${asrd.value.toFixed(3)} and ${cad.value.toFixed(3)}`).join(", ")}.`,
    svg: await dotPlot({
      dots,
      series: { "attack success removed (ASRD)": SERIES.clean, "clean accuracy lost (CAD)": SERIES.infected },
      axis: "drop (fraction)",
      domain: [0, 1],
      reference: 0,
      dodge: true,
    }),
  };
}
