import type { ReportData } from "../collect.ts";
import {
  detectionAuroc,
  flaggedShare,
  foundAtFewAlarms,
  type ModelStatistic,
  rocOf,
  TOLD,
  type Verdicts,
  verdictsOf,
} from "../detection.ts";
import { type Figure, figureHtml } from "../figures/figure.ts";
import { linePlot } from "../figures/lines.ts";
import { SERIES } from "../figures/plot.ts";
import { gatedCriteria } from "../gated.ts";
import { html } from "../html.ts";
import type { Section } from "../section.ts";
import { type Cell, type Table, tableHtml } from "../tables.ts";

const COLOURS = [SERIES.infected, SERIES.sham, SERIES.clean, SERIES.amber, SERIES.effective, SERIES.neutral];

/** Whether there is a backdoor at all: what each criterion's statistic of a whole model tells. Null where none was judged. */
export async function detection(
  data: ReportData,
  statisticOf: (criterion: string) => ModelStatistic,
): Promise<Section | null> {
  const judged = data.criteria
    .map((criterion) => ({ criterion, verdicts: verdictsOf(data, criterion, statisticOf(criterion)) }))
    .filter(({ verdicts: { infected, sham, clean } }) => infected.length > 0 && sham.length + clean.length > 0);
  if (judged.length === 0) return null;
  const rows = judged
    .map(({ criterion, verdicts }) => rowOf(data, { criterion, statistic: statisticOf(criterion).name, verdicts }))
    .sort(byAuroc);
  const table: Table = {
    name: "detection",
    caption: "Is there a backdoor at all? Infected models against shams and clean models, by one number a model",
    columns: [
      { key: "criterion", title: "criterion", kind: "id" },
      { key: "access", title: "access", kind: "text" },
      { key: "statistic", title: "statistic", kind: "text" },
      { key: "auroc_sham", title: "shams", kind: "level", group: "AUROC against" },
      { key: "auroc_clean", title: "clean models", kind: "level", group: "AUROC against" },
      { key: "found", title: "found at 5 % of shams", kind: "rate" },
      ...TOLD.map((version) => ({
        key: `flagged_${version}`,
        title: version,
        kind: "rate" as const,
        group: "called backdoored by the method itself",
      })),
      ...TOLD.map((version) => ({ key: version, title: version, kind: "count" as const, group: "models" })),
    ],
    rows,
  };
  const best = rows
    .flatMap(({ criterion }) => judged.filter((one) => one.criterion === criterion))
    .slice(0, COLOURS.length);
  const figures = await curves(best.filter(({ verdicts }) => verdicts.sham.length > 0));
  const gated = gatedTable(data, statisticOf);
  return {
    id: "detection",
    title: "Is there a backdoor at all?",
    tables: gated === null ? [table] : [table, gated],
    figures,
    body: html`<p>One number says how suspicious a criterion finds a whole model. Shams were tuned in the same neurons and taught no backdoor: what
tells infected models from clean ones but not from shams has found the tuning. The share found at 5 % of shams uses a bound read off these very
models. Intervals draw clean models anew.</p>
${tableHtml(table)}
${figures.map(figureHtml)}
${
  gated &&
  html`<p>Some criteria say of a whole model whether it has a backdoor, and name no neurons where they find none. Gated, such a model scores 0. A
gated sham is quiet because the whole model was judged clean, not because its neurons were ranked otherwise.</p>
${tableHtml(gated)}`
}`,
  };
}

/** What criteria with a verdict on whole models find when it counts; null where none judged infected models and shams. */
function gatedTable(data: ReportData, statisticOf: (criterion: string) => ModelStatistic): Table | null {
  const judging = new Set(data.criteria.filter((criterion) => statisticOf(criterion).flags));
  const rows = gatedCriteria(data, judging);
  if (rows.length === 0) return null;
  const means = ["infected", "sham"] as const;
  return {
    name: "gated",
    caption: "WJI of the top-k set where a model of which no neuron is named scores 0",
    columns: [
      { key: "criterion", title: "criterion", kind: "id" },
      { key: "truth", title: "against", kind: "text" },
      { key: "ungated", title: "ungated", kind: "estimate", group: "infected − sham" },
      { key: "gated", title: "gated", kind: "estimate", group: "infected − sham" },
      ...means.map((key) => ({ key, title: key, kind: "rate" as const, group: "gated" })),
      { key: "defects", title: "defects", kind: "count" },
      { key: "models", title: "clean models", kind: "count" },
    ],
    rows: rows.map((row): Record<string, Cell> => ({ ...row })),
  };
}

interface Judged {
  criterion: string;
  statistic: string;
  verdicts: Verdicts;
}

function rowOf(
  { manifest: { seed }, ranking }: ReportData,
  { criterion, statistic, verdicts }: Judged,
): Record<string, Cell> {
  const { infected, sham, clean } = verdicts;
  return {
    criterion,
    access: ranking.find((row) => row.criterion === criterion)?.access ?? null,
    statistic,
    auroc_sham: detectionAuroc(infected, sham, seed, `${criterion} sham`),
    auroc_clean: detectionAuroc(infected, clean, seed, `${criterion} clean`),
    found: foundAtFewAlarms(infected, sham),
    ...Object.fromEntries(TOLD.map((version) => [`flagged_${version}`, flaggedShare(verdicts[version])])),
    ...Object.fromEntries(TOLD.map((version) => [version, verdicts[version].length])),
  };
}

function byAuroc(a: Record<string, Cell>, b: Record<string, Cell>): number {
  const of = (row: Record<string, Cell>) => {
    const cell = row.auroc_sham ?? row.auroc_clean;
    return typeof cell === "object" && cell ? cell.value : 0;
  };
  return of(b) - of(a);
}

async function curves(judged: { criterion: string; verdicts: Verdicts }[]): Promise<Figure[]> {
  if (judged.length === 0) return [];
  const lines = judged.map(({ criterion, verdicts }) => ({
    series: criterion,
    points: rocOf(verdicts.infected, verdicts.sham).map(({ x, y }) => ({ x: 100 * x, y })),
  }));
  return [
    {
      name: "detection-roc",
      caption: "ROC of infected models against shams, of the criteria that tell them apart best.",
      alt: `Share of infected models found by the share of shams called backdoored. ${judged
        .map(
          ({ criterion, verdicts }) =>
            `${criterion}: ${foundAtFewAlarms(verdicts.infected, verdicts.sham)?.toFixed(3)} at 5 %`,
        )
        .join("; ")}.`,
      svg: await linePlot(lines, { x: "shams, %", y: "infected", from: 0, to: 1 }, COLOURS),
    },
  ];
}
