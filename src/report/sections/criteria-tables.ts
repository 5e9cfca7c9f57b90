import { distinct } from "../../core/group.ts";
import { SCORE_METRICS, type ScoreMetric } from "../../records/metrics.ts";
import { cellMean, cellOf } from "../../score/cells.ts";
import type { ReportData } from "../collect.ts";
import { type Difference, pick } from "../differences.ts";
import type { Cell, Column, Table } from "../tables.ts";

/** How the judged set was chosen, in words and in the order of the tables. */
const WAYS = [
  { protocol: "native", quota: null, title: "native" },
  { protocol: "topk", quota: "global", title: "top-k" },
  { protocol: "topk", quota: "layer", title: "top-k per layer" },
] as const;

/** No row stands without the budget of its results. */
export const BUDGET: Column = { key: "budget", title: "budget", kind: "text" };

/** How many defects and clean models a mean is over, and what share of the candidates was accepted. */
export const COUNTS: Column[] = [
  { key: "cases", title: "defects", kind: "count", group: "mean over" },
  { key: "pairs", title: "with sham", kind: "count", group: "mean over" },
  { key: "models", title: "clean models", kind: "count", group: "mean over" },
  { key: "accepted", title: "accepted", kind: "rate", group: "mean over" },
  BUDGET,
];

function metricColumns(metrics: readonly ScoreMetric[]): Column[] {
  return metrics.flatMap((metric): Column[] => [
    { key: `${metric}_difference`, title: "infected − sham", kind: "estimate", group: SCORE_METRICS[metric].title },
    { key: `${metric}_infected`, title: "infected", kind: "rate", group: SCORE_METRICS[metric].title },
    { key: `${metric}_sham`, title: "sham", kind: "rate", group: SCORE_METRICS[metric].title },
  ]);
}

function metricCells(rows: readonly Difference[]): Record<string, Cell> {
  return Object.fromEntries(
    rows.flatMap(({ metric, infected, sham, difference }): [string, Cell][] => [
      [`${metric}_difference`, difference],
      [`${metric}_infected`, infected],
      [`${metric}_sham`, sham],
    ]),
  );
}

function counts([row]: readonly Difference[]): Record<string, Cell> {
  const { cases = 0, pairs = 0, models = 0, accepted = null, budget = null } = row ?? {};
  return { cases, pairs, models, accepted, budget };
}

/** AUROC and AP: they judge the whole ranking, so no protocol matters. */
export function rankingTable(
  all: readonly Difference[],
  order: readonly string[],
  truth: Difference["truth"],
  title: string,
  suffix: string,
): Table {
  const metrics = ["auroc", "ap"] as const;
  return {
    name: `ranking-${truth}${suffix}`,
    caption: `Ranking against ${title}`,
    columns: [{ key: "criterion", title: "criterion", kind: "id" }, ...metricColumns(metrics), ...COUNTS],
    rows: order.map((criterion) => {
      const rows = metrics.flatMap((metric) => pick(all, { criterion, truth, protocol: "native", metric }));
      return { criterion, ...counts(rows), ...metricCells(rows) };
    }),
  };
}

/** WJI and Jaccard of the named sets, by protocol. */
export function setTable(
  { scores }: ReportData,
  all: readonly Difference[],
  order: readonly string[],
  truth: Difference["truth"],
  title: string,
  suffix: string,
): Table {
  const metrics = ["wji", "jaccard"] as const;
  return {
    name: `sets-${truth}${suffix}`,
    caption: `Named sets against ${title}`,
    columns: [
      { key: "criterion", title: "criterion", kind: "id" },
      { key: "set", title: "set", kind: "text" },
      { key: "k", title: "mean size", kind: "count" },
      ...metricColumns(metrics),
      ...COUNTS,
    ],
    rows: order.flatMap((criterion) =>
      WAYS.map(({ protocol, quota, title: set }) => {
        const rows = metrics.flatMap((metric) => pick(all, { criterion, truth, protocol, quota, metric }));
        const sizes = scores.filter(
          (row) =>
            row.criterion === criterion &&
            row.version === "infected" &&
            row.truth === truth &&
            row.protocol === protocol &&
            row.quota === quota &&
            row.k !== null,
        );
        const k =
          sizes.length === 0 ? null : round(cellMean(sizes.map(({ id, k }) => ({ value: k!, cell: cellOf(id) }))));
        return { criterion, set, k, ...counts(rows), ...metricCells(rows) };
      }),
    ),
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** AUROC and native WJI on the drift control and on the clean twin, where a criterion was run on them. */
export function controlTable(
  { scores }: ReportData,
  order: readonly string[],
  access: string,
  suffix: string,
): Table | null {
  const versions = distinct(scores.map(({ version }) => version)).filter((v) => v === "drift" || v === "clean");
  if (versions.length === 0) return null;
  const rows = order.flatMap((criterion) =>
    versions.flatMap((version): Record<string, Cell>[] => {
      const found = scores.filter(
        (row) =>
          row.criterion === criterion &&
          row.access === access &&
          row.version === version &&
          row.truth === "full" &&
          row.protocol === "native",
      );
      const over = (metric: "auroc" | "wji" | "k") => {
        const samples = found.flatMap((row) =>
          row[metric] === null ? [] : [{ value: row[metric], cell: cellOf(row.id) }],
        );
        return samples.length === 0 ? null : cellMean(samples);
      };
      if (found.length === 0) return [];
      const k = over("k");
      return [
        {
          criterion,
          version,
          cases: found.length,
          auroc: over("auroc"),
          wji: over("wji"),
          k: k === null ? null : round(k),
          budget: found[0].budget,
        },
      ];
    }),
  );
  return {
    name: `controls${suffix}`,
    caption: "Drift (the same neurons moved as far in a random direction) and clean twin, against the defect's G",
    columns: [
      { key: "criterion", title: "criterion", kind: "id" },
      { key: "version", title: "version", kind: "text" },
      { key: "cases", title: "defects", kind: "count" },
      { key: "auroc", title: SCORE_METRICS.auroc.title, kind: "rate" },
      { key: "wji", title: `${SCORE_METRICS.wji.title} (native)`, kind: "rate" },
      { key: "k", title: "mean size", kind: "count" },
      BUDGET,
    ],
    rows,
  };
}
