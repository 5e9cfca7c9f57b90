import type { Budget } from "../core/budget.ts";
import { BASELINES } from "../score/baselines.ts";
import { cellMean, cellOf } from "../score/cells.ts";
import type { ScoreRow } from "../score/score.ts";
import {
  type CriterionValues,
  cleanModelsOf,
  criterionValues,
  type DefectValue,
  estimateOf,
  HEADLINE,
  type Judged,
  keyOf,
  viewed,
} from "./headline.ts";
import type { Estimate } from "./tables.ts";

/**
 * One criterion's place by the headline: the paired difference infected − sham of `HEADLINE`, best first. Access and budget
 * divide criteria into classes; only criteria of one class that judged the same defects have ranks.
 */
export interface RankedCriterion {
  /** 1 = best of its class; equal differences share a rank. Null: see `note`. */
  rank: number | null;
  criterion: string;
  access: ScoreRow["access"];
  budget: Budget;
  /** Means of the headline over the defects below, in [0, 1]. */
  infected: number | null;
  sham: number | null;
  /** Mean of infected − sham, with its 95 % interval over clean models. */
  difference: Estimate | null;
  /** Defects whose infected model and sham were both judged. */
  defects: number;
  /** Clean models that these defects were made from. */
  models: number;
  /** Why there is no rank; null where there is one. */
  note: string | null;
  baseline: boolean;
}

/** A criterion that misses more than this share of what the others judged is not held against them. */
const MOST_MISSING = 0.2;

const ACCESS_ORDER = ["clean", "failing", "oracle"];

/**
 * The one ranking of criteria. Every place that orders criteria takes its order from here.
 *
 * The ranks of a class are over the defects that all of its ranked criteria judged. A criterion that judged fewer has its
 * own means and no rank, and so has a baseline.
 *
 * @param scores of any budgets and versions. @param accepted the defects that count
 * @param seed of the intervals' draws: the database's
 */
export function rankCriteria({
  scores,
  accepted,
  seed,
}: {
  scores: readonly ScoreRow[];
  accepted: readonly Judged[];
  seed: number;
}): RankedCriterion[] {
  const classes = new Map<string, CriterionValues<Judged>[]>();
  for (const one of criterionValues({ scores, accepted })) {
    const key = `${one.access} ${one.budget}`;
    classes.set(key, [...(classes.get(key) ?? []), one]);
  }
  return [...classes.values()]
    .map((criteria) => rankClass(criteria, seed))
    .sort(([a], [b]) => byClass(a, b))
    .flat();
}

/** Published access first; inside it the budget under which most was judged. */
function byClass(a: RankedCriterion, b: RankedCriterion): number {
  return (
    ACCESS_ORDER.indexOf(a.access) - ACCESS_ORDER.indexOf(b.access) ||
    b.defects - a.defects ||
    (a.budget < b.budget ? 1 : -1)
  );
}

function rankClass(criteria: readonly CriterionValues<Judged>[], seed: number): RankedCriterion[] {
  const judged = criteria.map((one) => ({ ...one, pairs: viewed(one.values, "difference") }));
  const { members, common } = sharedDefects(
    judged.map(({ criterion, pairs }) => ({ name: criterion, ids: pairs.map(({ record }) => record.id) })),
  );
  const most = Math.max(...judged.map(({ pairs }) => pairs.length));
  const rows = judged.map(({ criterion, access, budget, values, pairs }): RankedCriterion => {
    const isMember = members.has(criterion);
    const counted = (value: DefectValue<Judged>) => !isMember || common.has(value.record.id);
    // By id, as in the tables of every measure: a number has one interval in all places.
    const differences = pairs.filter(counted).sort((a, b) => (a.record.id < b.record.id ? -1 : 1));
    const paired = new Set(differences.map(({ record }) => record.id));
    const side = (view: "infected" | "sham") => {
      // Both sides stand over the same defects as their difference, unless there is no difference.
      const known = viewed(values, view).filter(({ record }) => pairs.length === 0 || paired.has(record.id));
      return known.length === 0
        ? null
        : cellMean(known.map(({ record, value }) => ({ value, cell: cellOf(record.id) })));
    };
    const key = keyOf({ criterion, access, budget, ...HEADLINE });
    const baseline = BASELINES.has(criterion);
    return {
      rank: null,
      ...{ criterion, access, budget },
      infected: side("infected"),
      sham: side("sham"),
      difference: estimateOf(differences, seed, `${key} ${HEADLINE.metric}`),
      defects: pairs.length === 0 ? values.length : differences.length,
      models: cleanModelsOf(pairs.length === 0 ? values : differences),
      note: noteOf(baseline, isMember, pairs.length, most),
      baseline,
    };
  });
  // What judged other defects comes last: its means are no ground for a place among the others.
  const group = (row: RankedCriterion) => (row.difference === null ? 2 : members.has(row.criterion) ? 0 : 1);
  rows.sort((a, b) => group(a) - group(b) || placeOf(b) - placeOf(a) || (a.criterion < b.criterion ? -1 : 1));
  const ranked = rows.filter(({ note }) => note === null);
  for (const row of ranked) row.rank = 1 + ranked.filter((other) => placeOf(other) > placeOf(row)).length;
  return rows;
}

function noteOf(baseline: boolean, isMember: boolean, pairs: number, most: number): string | null {
  if (pairs === 0) return "no infected model judged together with its sham";
  if (!isMember) return `judged on ${pairs} defect${pairs === 1 ? "" : "s"}, the others on ${most}`;
  return baseline ? "baseline" : null;
}

function placeOf({ difference, infected }: RankedCriterion): number {
  return difference?.value ?? infected ?? Number.NEGATIVE_INFINITY;
}

/**
 * Who can be compared: taken from the one that judged most, each joins that leaves at least four fifths of these defects
 * common to all.
 */
export function sharedDefects(all: readonly { name: string; ids: readonly string[] }[]): {
  members: Set<string>;
  common: Set<string>;
} {
  const ordered = all
    .filter(({ ids }) => ids.length > 0)
    .sort((a, b) => b.ids.length - a.ids.length || (a.name < b.name ? -1 : 1));
  const members = new Set<string>();
  let common = new Set(ordered[0]?.ids);
  const least = (1 - MOST_MISSING) * common.size;
  for (const { name, ids } of ordered) {
    const left = ids.filter((id) => common.has(id));
    if (left.length < least) continue;
    common = new Set(left);
    members.add(name);
  }
  return { members, common };
}

/** A ranked criterion as a flat row, for tables and machines. */
export function rankingRow(row: RankedCriterion) {
  const { rank, criterion, access, budget, infected, sham, difference, defects, models, note } = row;
  return {
    ...{ rank, criterion, access, budget, infected, sham },
    difference: difference?.value ?? null,
    difference_low: difference?.low ?? null,
    difference_high: difference?.high ?? null,
    ...{ defects, clean_models: models, note },
  };
}

/** The flat row of a ranked criterion. */
export type RankingRow = ReturnType<typeof rankingRow>;

/** Names of criteria in the order of the ranking, of one access and budget. */
export function criteriaInOrder(
  ranking: readonly RankedCriterion[],
  { access, budget }: Partial<Pick<RankedCriterion, "access" | "budget">> = {},
): string[] {
  return ranking
    .filter((row) => (access === undefined || row.access === access) && (budget === undefined || row.budget === budget))
    .map(({ criterion }) => criterion);
}
