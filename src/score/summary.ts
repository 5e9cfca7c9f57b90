import type { ScoreMetric } from "../records/metrics.ts";
import { cellMean, cellOf } from "./cells.ts";
import type { ScoreRow } from "./score.ts";

/**
 * One metric of one criterion over many defects. `infected` and `sham` are means over all cases of that version,
 * `difference` the mean of infected − sham over the defects that have both (docs/methods.md §8.3: the headline). Means
 * are taken inside each cell (data set, architecture, attack, level, style) and then unweighted over cells
 * (docs/methods.md §13.1).
 */
export interface SummaryRow<M extends string = ScoreMetric> {
  criterion: string;
  access: string;
  budget: ScoreRow["budget"];
  truth: ScoreRow["truth"];
  protocol: ScoreRow["protocol"];
  quota: ScoreRow["quota"];
  metric: M;
  infected: number | null;
  sham: number | null;
  difference: number | null;
  /** Infected models, shams and pairs behind the three means; a case whose value is null is not counted. */
  cases: number;
  shams: number;
  pairs: number;
  cells: number;
}

function meanOf(values: ReadonlyMap<string, number>): number | null {
  return values.size === 0 ? null : cellMean([...values].map(([id, value]) => ({ value, cell: cellOf(id) })));
}

function valuesOf<M extends string>(rows: readonly Scored<M>[], version: string, metric: M): Map<string, number> {
  const values = new Map<string, number>();
  for (const row of rows) {
    const value: number | null = row[metric];
    if (row.version === version && value !== null) values.set(row.id, value);
  }
  return values;
}

/** A score row that has these metrics. */
type Scored<M extends string> = Pick<ScoreRow, keyof ScoreRow & ("id" | "version" | keyof Way)> &
  Record<M, number | null>;
type Way = Pick<ScoreRow, "criterion" | "access" | "budget" | "truth" | "protocol" | "quota">;

/** Summarises score rows per criterion, budget, truth, protocol, quota and metric, in order of first appearance. */
export function summarize<M extends string>(rows: readonly Scored<M>[], metrics: readonly M[]): SummaryRow<M>[] {
  const groups = new Map<string, Scored<M>[]>();
  for (const row of rows) {
    const key = [row.criterion, row.access, row.budget, row.truth, row.protocol, row.quota].join("\u0000");
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return [...groups.values()].flatMap((group) => {
    const { criterion, access, budget, truth, protocol, quota } = group[0];
    return metrics.map((metric) => {
      const infected = valuesOf(group, "infected", metric);
      const sham = valuesOf(group, "sham", metric);
      const paired = [...infected].filter(([id]) => sham.has(id));
      const differences = new Map(paired.map(([id, value]) => [id, value - sham.get(id)!]));
      return {
        criterion,
        access,
        budget,
        truth,
        protocol,
        quota,
        metric,
        infected: meanOf(infected),
        sham: meanOf(sham),
        difference: meanOf(differences),
        cases: infected.size,
        shams: sham.size,
        pairs: differences.size,
        cells: new Set([...infected.keys()].map(cellOf)).size,
      };
    });
  });
}
