import { groupBy } from "../core/group.ts";
import type { DefectRecord } from "../records/defect.ts";
import type { ScoreMetric } from "../records/metrics.ts";
import { bootstrapMean } from "../score/bootstrap.ts";
import { cellOf } from "../score/cells.ts";
import type { ScoreRow } from "../score/score.ts";
import type { Estimate } from "./tables.ts";

/** One way of judging: which number, of which set, against which truth. */
export type Measure = Pick<ScoreRow, "truth" | "protocol" | "quota"> & { metric: ScoreMetric };

/**
 * What criteria are compared by: WJI of the top-k set (docs/methods.md §12.5: the controlled set judges the ranking,
 * not a threshold) against the effective neurons (docs/methods.md §9.2: the others are passengers).
 */
export const HEADLINE: Measure = { truth: "effective", protocol: "topk", quota: "global", metric: "wji" };

type Way = Pick<ScoreRow, "criterion" | "access" | "budget" | "truth" | "protocol" | "quota">;

/** Names a way of judging; the draw of its intervals, too, so that a number has one interval in all places. */
export function keyOf({ criterion, access, budget, truth, protocol, quota }: Way): string {
  return [criterion, access, budget, truth, protocol, quota].join(" ");
}

/** What an analysis needs of a defect's record. */
export type Judged = Pick<DefectRecord, "id" | "clean">;

/** A criterion's value on one defect and on its sham; null where unknown. */
export interface JudgedValue<R extends Judged = DefectRecord> {
  record: R;
  infected: number | null;
  sham: number | null;
}

export interface CriterionValues<R extends Judged = DefectRecord> {
  criterion: string;
  access: ScoreRow["access"];
  budget: ScoreRow["budget"];
  values: JudgedValue<R>[];
}

/** The values of every criterion by one measure, kinds of access and budgets apart; defects without a value are left out. */
export function criterionValues<R extends Judged>(
  { scores, accepted }: { scores: readonly ScoreRow[]; accepted: readonly R[] },
  { truth, protocol, quota, metric }: Measure = HEADLINE,
): CriterionValues<R>[] {
  const rows = scores.filter((row) => row.truth === truth && row.protocol === protocol && row.quota === quota);
  return [...groupBy(rows, ({ criterion, access, budget }) => `${criterion} ${access} ${budget}`).values()].map(
    (group) => {
      const of = (version: string) =>
        new Map(group.filter((row) => row.version === version).map((row) => [row.id, row[metric]]));
      const [infected, sham] = [of("infected"), of("sham")];
      const values = accepted.flatMap((record): JudgedValue<R>[] => {
        const value = { record, infected: infected.get(record.id) ?? null, sham: sham.get(record.id) ?? null };
        return value.infected === null && value.sham === null ? [] : [value];
      });
      const [{ criterion, access, budget }] = group;
      return { criterion, access, budget, values };
    },
  );
}

type Sides = Pick<JudgedValue, "infected" | "sham">;

/** What a defect's value is taken as. */
export const VIEWS = {
  infected: { title: "infected", of: ({ infected }: Sides) => infected },
  sham: { title: "sham", of: ({ sham }: Sides) => sham },
  difference: {
    title: "infected − sham",
    of: ({ infected, sham }: Sides) => (infected === null || sham === null ? null : infected - sham),
  },
} as const;
export type View = keyof typeof VIEWS;

/** One number of a defect. */
export interface DefectValue<R extends Judged = DefectRecord> {
  record: R;
  value: number;
}

export function viewed<R extends Judged>(values: readonly JudgedValue<R>[], view: View): DefectValue<R>[] {
  return values.flatMap((judged) => {
    const value = VIEWS[view].of(judged);
    return value === null ? [] : [{ record: judged.record, value }];
  });
}

/** Mean over cells with its interval over clean models; null of nothing. @param label names the draw */
export function estimateOf(values: readonly DefectValue<Judged>[], seed: number, label: string): Estimate | null {
  return bootstrapMean(
    values.map(({ record, value }) => ({ value, cell: cellOf(record.id), cluster: record.clean })),
    seed,
    label,
  );
}

/**
 * Clean models that the defects were made from: the effective number of networks behind a mean (docs/methods.md §13.2).
 */
export function cleanModelsOf(values: readonly { record: Judged }[]): number {
  return new Set(values.map(({ record }) => record.clean)).size;
}
