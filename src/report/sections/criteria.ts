import type { ReportData } from "../collect.ts";
import { type Difference, pick } from "../differences.ts";
import { type Dot, dotPlot } from "../figures/dots.ts";
import { type Figure, figureHtml } from "../figures/figure.ts";
import { SERIES } from "../figures/plot.ts";
import { distinct } from "../group.ts";
import { html } from "../html.ts";
import { criteriaInOrder } from "../ranking.ts";
import type { Section } from "../section.ts";
import { type Table, tableHtml } from "../tables.ts";
import { ACCESS } from "./access.ts";
import { controlTable, rankingTable, setTable } from "./criteria-tables.ts";

const TRUTHS = [
  ["full", "all infected neurons (G)"],
  ["effective", "effective neurons (E)"],
] as const;

/** How well each criterion finds the infected neurons, each kind of access apart. */
export async function criteria(data: ReportData, all: readonly Difference[]): Promise<Section> {
  const parts = [];
  for (const access of distinct(all.map((row) => row.access)).sort()) {
    parts.push(await accessPart(data, pick(all, { access: access as Difference["access"] }), access));
  }
  const tables = parts.flatMap((part) => part.tables);
  const figures = parts.flatMap((part) => part.figures);
  const models = distinct(data.accepted.map(({ clean }) => clean)).length;
  return {
    id: "criteria",
    title: "Criteria: who finds the infected neurons?",
    tables,
    figures,
    body:
      parts.length === 0
        ? html`<p>No predictions yet: <code>bdefects localize --criterion … --db DIR</code> writes them.</p>`
        : html`<p>A criterion gives every neuron a suspiciousness score. It is judged twice: on the infected model, and on its
<b>sham</b>, where the same neurons were tuned the same way but no backdoor was taught. What a criterion finds in both is
<em>tuning</em>, not the backdoor; so its headline is the paired <b>difference infected − sham</b>. A difference whose interval
excludes zero is set in bold.</p>
<p class="note">Brackets: 95 % bootstrap intervals, from 3 defects on. The defects stem from <b>${models} clean model${models === 1 ? "" : "s"}</b>,
so the effective number of independent networks is ${models}${
            models === 1
              ? ": the intervals are over the defects of this one network, and say nothing about other networks"
              : "; the bootstrap draws clean models first, then their defects"
          }. Means are taken inside each data set, architecture, attack, level and style, then over these.</p>
${parts.map((part) => html`${parts.length > 1 && html`<h3>${ACCESS[part.access]}</h3>`}${part.body}`)}`,
  };
}

async function accessPart(data: ReportData, all: readonly Difference[], access: string) {
  const order = criteriaInOrder(data.ranking, { access, budget: data.budget });
  const suffix = access === "clean" ? "" : `-${access}`;
  const rankings = TRUTHS.map(([truth, title]) => rankingTable(all, order, truth, title, suffix));
  const sets = TRUTHS.map(([truth, title]) => setTable(data, all, order, truth, title, suffix));
  const controls = controlTable(data, order, access, suffix);
  const tables: Table[] = [...rankings, ...sets, ...(controls ? [controls] : [])];
  const figures: Figure[] = [await forest(all, order, suffix), await levels(all, order, suffix)];
  const body = html`<div class="pair">${figures.map(figureHtml)}</div>
<h3>Ranking</h3>
<p>AUROC: the chance that an infected neuron scores above another one (0.5 = guessing). AP: average precision down the ranking
(guessing = the share of infected neurons).</p>
${rankings.map((table) => tableHtml(table))}
<h3>Named sets</h3>
<p>Jaccard = shared neurons / all neurons in either set. WJI weighs the infected neurons by their contribution to the
backdoor; each false alarm weighs 1. <b>native</b>: the set that the criterion itself names. <b>top-k</b>: its k
highest scores, k = number of true neurons, over the network or layer by layer.</p>
${sets.map((table) => tableHtml(table))}
${controls && html`<h3>Further controls</h3>${tableHtml(controls)}`}`;
  return { access, tables, figures, body };
}

async function forest(all: readonly Difference[], order: string[], suffix: string): Promise<Figure> {
  const series = { "all infected (G)": SERIES.infected, "effective (E)": SERIES.effective };
  const dots = order.flatMap((criterion) =>
    TRUTHS.flatMap(([truth], i): Dot[] => {
      const [row] = pick(all, { criterion, truth, protocol: "native", metric: "auroc" });
      if (!row?.difference) return [];
      return [{ row: criterion, series: Object.keys(series)[i], ...row.difference }];
    }),
  );
  const told = dots.filter((dot) => dot.series === "all infected (G)");
  return {
    name: `difference-auroc${suffix}`,
    caption: "The headline: AUROC on the infected model minus AUROC on its sham, with 95 % intervals.",
    alt: `Differences of AUROC, infected minus sham, against all infected neurons: ${told.map(({ row, value }) => `${row} ${value.toFixed(3)}`).join(", ")}.`,
    svg: await dotPlot({
      dots,
      series,
      axis: "AUROC: infected − sham",
      domain: [-0.1, 0.1],
      reference: 0,
      dodge: true,
    }),
  };
}

async function levels(all: readonly Difference[], order: string[], suffix: string): Promise<Figure> {
  const rows = order.flatMap((criterion) =>
    pick(all, { criterion, truth: "full", protocol: "native", metric: "auroc" }),
  );
  const dots = rows.flatMap(({ criterion, infected, sham }) => [
    ...(infected === null ? [] : [{ row: criterion, series: "infected", value: infected }]),
    ...(sham === null ? [] : [{ row: criterion, series: "sham", value: sham }]),
  ]);
  return {
    name: `auroc${suffix}`,
    caption: "The two sides of it: mean AUROC against all infected neurons. The dashed line is guessing.",
    alt: `Mean AUROC on infected models and shams: ${dots.map(({ row, series, value }) => `${row} ${series} ${value.toFixed(3)}`).join(", ")}.`,
    svg: await dotPlot({
      dots,
      series: { infected: SERIES.infected, sham: SERIES.sham },
      axis: "AUROC",
      domain: [0.3, 1],
      reference: 0.5,
    }),
  };
}
