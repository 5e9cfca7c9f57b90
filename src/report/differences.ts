import { groupBy } from "../core/group.ts";
import type { ScoreMetric } from "../records/metrics.ts";
import { bootstrapMean, type Sampled } from "../score/bootstrap.ts";
import { cellOf } from "../score/cells.ts";
import type { ScoreRow } from "../score/score.ts";
import { type SummaryRow, summarize } from "../score/summary.ts";
import { acceptedShare } from "./acceptance.ts";
import type { ReportData } from "./collect.ts";
import { keyOf } from "./headline.ts";
import type { Estimate } from "./tables.ts";

/** A criterion's means on infected models and on shams, and their paired difference with its interval. */
export interface Difference extends Omit<SummaryRow, "difference"> {
  difference: Estimate | null;
  /** Clean models behind the mean on infected models. */
  models: number;
  /** Share of all candidates that were accepted. */
  accepted: number | null;
}

export const REPORTED_METRICS: readonly ScoreMetric[] = ["wji", "jaccard", "auroc", "ap"];

/** All combinations of criterion, truth, protocol and metric that the database has scores of. */
export function differences({
  scores,
  accepted,
  candidates,
  manifest,
}: Pick<ReportData, "scores" | "accepted" | "candidates" | "manifest">): Difference[] {
  const share = acceptedShare(candidates);
  const cluster = new Map(accepted.map((record) => [record.id, record.clean]));
  const groups = groupBy(scores, keyOf);
  return summarize(scores, REPORTED_METRICS).map((row): Difference => {
    const key = keyOf(row);
    // By id, as in the ranking: a number has one interval in all places.
    const samples = pairs(groups.get(key)!, row.metric)
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .map(({ id, value }): Sampled => ({ value, cell: cellOf(id), cluster: cluster.get(id)! }));
    const counted = groups
      .get(key)!
      .filter(({ version, [row.metric]: value }) => version === "infected" && value !== null);
    const models = new Set(counted.map(({ id }) => cluster.get(id))).size;
    const difference = bootstrapMean(samples, manifest.seed, `${key} ${row.metric}`);
    return { ...row, difference, models, accepted: share };
  });
}

/** infected − sham of every defect that has both. */
function pairs(rows: readonly ScoreRow[], metric: ScoreMetric): { id: string; value: number }[] {
  const shams = new Map(rows.filter(({ version }) => version === "sham").map((row) => [row.id, row[metric]]));
  return rows.flatMap((row) => {
    const [value, sham] = [row[metric], shams.get(row.id) ?? null];
    return row.version === "infected" && value !== null && sham !== null ? [{ id: row.id, value: value - sham }] : [];
  });
}

/** One of them. */
export function pick(
  all: readonly Difference[],
  wanted: Partial<Pick<Difference, "criterion" | "access" | "truth" | "protocol" | "quota" | "metric">>,
): Difference[] {
  const fields = Object.entries(wanted) as [keyof Difference, unknown][];
  return all.filter((row) => fields.every(([field, value]) => row[field] === value));
}
