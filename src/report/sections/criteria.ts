import { distinct } from "../../core/group.ts";
import type { ReportData } from "../collect.ts";
import { type Difference, pick } from "../differences.ts";
import { type Dot, dotPlot } from "../figures/dots.ts";
import { type Figure, figureHtml } from "../figures/figure.ts";
import { SERIES } from "../figures/plot.ts";
import { type Html, html } from "../html.ts";
import { criteriaInOrder, type RankedCriterion } from "../ranking.ts";
import type { Section } from "../section.ts";
import { type Table, tableHtml } from "../tables.ts";
import { ACCESS } from "./access.ts";
import { breakdown } from "./breakdown.ts";
import { comparison } from "./comparison.ts";
import { controlTable, rankingTable, setTable } from "./criteria-tables.ts";
import { otherClasses, rankingHtml } from "./ranking.ts";
import { time } from "./time.ts";

const TRUTHS = [
  ["full", "all infected neurons (G)"],
  ["effective", "effective neurons (E)"],
] as const;

/** What a table is divided by, in its caption. */
const BY = /by [a-z ]+/;

/** What stands behind the ranking: both sides of the headline, other measures, other access and budgets, parts and tests. */
export async function criteria(data: ReportData, all: readonly Difference[]): Promise<Section> {
  const accesses = distinct(data.ranking.filter(({ budget }) => budget === data.budget).map(({ access }) => access));
  const parts = [];
  for (const access of accesses) parts.push(await accessPart(data, pick(all, { access }), access));
  const judging = time(data);
  return {
    id: "criteria",
    title: "Criteria: who finds the infected neurons?",
    tables: [...parts.flatMap((part) => part.tables), ...(judging ? [judging.table] : [])],
    figures: parts.flatMap((part) => part.figures),
    body:
      parts.length === 0
        ? html`<p>No predictions yet: <code>bdefects localize --criterion … --db DIR</code> writes them.</p>`
        : html`<p>A criterion gives every neuron a suspiciousness score. It is judged twice: on the infected model, and on its
<b>sham</b>, where the same neurons were tuned the same way but no backdoor was taught. What a criterion finds in both is
<em>tuning</em>, not the backdoor. So criteria are ranked by the paired <b>difference infected − sham</b> of one measure: WJI of
the top-k set against the effective neurons, k = how many these are. Tables below keep that order, whatever they show.</p>
${parts.map((part) => html`${parts.length > 1 && html`<h3>${ACCESS[part.access]}</h3>`}${part.body}`)}
${otherBudgets(data)}
${judging && html`<details><summary>Seconds per model</summary>${judging.body}</details>`}`,
  };
}

async function accessPart(data: ReportData, all: readonly Difference[], access: string) {
  const order = criteriaInOrder(data.ranking, { access, budget: data.budget });
  const suffix = access === "clean" ? "" : `-${access}`;
  const rankings = TRUTHS.map(([truth, title]) => rankingTable(all, order, truth, title, suffix));
  const sets = TRUTHS.map(([truth, title]) => setTable(data, all, order, truth, title, suffix));
  const controls = controlTable(data, order, access, suffix);
  const factors = breakdown(data, access, order);
  const tests = comparison(data, access);
  const rows = data.ranking.filter((row) => row.access === access && row.budget === data.budget);
  const figures: Figure[] = [await sides(rows, suffix), await differenceFigure(rows, suffix)];
  const tables: Table[] = [
    ...rankings,
    ...sets,
    ...(controls ? [controls] : []),
    ...factors,
    ...(tests ? [tests.table] : []),
  ];
  // The page opens with the ranking of the criteria that see clean samples.
  const opening = access === "clean" ? null : rankingHtml(data, access, data.budget);
  const body = html`${opening}<div class="pair">${figures.map(figureHtml)}</div>
${
  factors.length > 0 &&
  html`<details><summary>The headline ${factors.map((table) => BY.exec(table.caption)?.[0]).join(", ")}</summary>${factors.map((table) => tableHtml(table))}</details>`
}
${tests && html`<details><summary>Is one clearly better? Tests of pairs</summary>${tests.body}</details>`}
<details><summary>Other measures: AUROC and average precision</summary>
<p>AUROC: the chance that an infected neuron scores above another one (0.5 = guessing). AP: average precision down the ranking
(guessing = the share of infected neurons).</p>
${rankings.map((table) => tableHtml(table))}</details>
<details><summary>Named sets: WJI and Jaccard by how the set was chosen</summary>
<p>Jaccard = shared neurons / all neurons in either set. WJI weighs the infected neurons by their contribution to the
backdoor; each false alarm weighs 1. <b>native</b>: the set that the criterion itself names. <b>top-k</b>: its k
highest scores, k = number of true neurons, over the network or layer by layer.</p>
${sets.map((table) => tableHtml(table))}</details>
${controls && html`<details><summary>Further controls: drift and clean twin</summary>${tableHtml(controls)}</details>`}`;
  return { access, tables, figures, body };
}

/** Classes of the ranking that no part of its own belongs to: what was judged under other budgets. */
function otherBudgets(data: ReportData): Html | null {
  const classes = otherClasses(data).filter(({ budget }) => budget !== data.budget);
  if (classes.length === 0) return null;
  return html`<details><summary>Other budgets: ${distinct(classes.map(({ budget }) => budget)).join(", ")}</summary>
<p>Results of another budget share no mean with those above. <code>bdefects report --budget ${classes[0].budget}</code> sets them out.</p>
${classes.map(({ access, budget }) => rankingHtml(data, access, budget))}</details>`;
}

async function differenceFigure(rows: readonly RankedCriterion[], suffix: string): Promise<Figure> {
  const dots = rows.flatMap(({ criterion, difference }): Dot[] =>
    difference === null ? [] : [{ row: criterion, series: "infected − sham", ...difference }],
  );
  return {
    name: `headline-difference${suffix}`,
    caption: "The headline: WJI (top-k, against E) on the infected model minus that on its sham, with 95 % intervals.",
    alt: `Differences of WJI, infected minus sham: ${dots.map(({ row, value }) => `${row} ${value.toFixed(3)}`).join(", ")}.`,
    svg: await dotPlot({
      dots,
      series: { "infected − sham": SERIES.effective },
      axis: "WJI: infected − sham",
      domain: [-0.05, 0.1],
      reference: 0,
    }),
  };
}

async function sides(rows: readonly RankedCriterion[], suffix: string): Promise<Figure> {
  const dots = rows.flatMap(({ criterion, infected, sham }) => [
    ...(infected === null ? [] : [{ row: criterion, series: "infected", value: infected }]),
    ...(sham === null ? [] : [{ row: criterion, series: "sham", value: sham }]),
  ]);
  return {
    name: `headline${suffix}`,
    caption: "Its two sides: mean WJI (top-k, against E) on infected models and on shams, in the order of the ranking.",
    alt: `Mean WJI on infected models and shams: ${dots.map(({ row, series, value }) => `${row} ${series} ${value.toFixed(3)}`).join(", ")}.`,
    svg: await dotPlot({
      dots,
      series: { infected: SERIES.infected, sham: SERIES.sham },
      axis: "WJI",
      domain: [0, 0.3],
    }),
  };
}
