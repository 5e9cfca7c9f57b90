import { cellMean, cellOf } from "../score/cells.ts";
import type { ReportData } from "./collect.ts";
import { type CriterionValues, criterionValues, type DefectValue, type View, viewed } from "./headline.ts";
import { type Friedman, friedman } from "./statistics/friedman.ts";
import { holm } from "./statistics/holm.ts";
import { letters } from "./statistics/letters.ts";
import { type SignedRank, signedRank } from "./statistics/wilcoxon.ts";

/** With five clean models even differences of one sign give p = 2/2⁵ = 0.0625: below six no test can show anything. */
export const LEAST_CLUSTERS = 6;

/** α of all tests. */
export const ALPHA = 0.05;

/** Two criteria held against each other on the defects that both judged. */
export interface PairComparison {
  a: string;
  b: string;
  defects: number;
  /** Clean models: the effective n of the test. */
  models: number;
  /** Mean over clean models of a − b; null without a common defect. */
  difference: number | null;
  /** Signed-rank test over clean models; null below `LEAST_CLUSTERS`. */
  test: SignedRank | null;
  /** p adjusted over all pairs that were tested (Holm). */
  adjusted: number | null;
}

/** Criteria of one class held against each other, in the order of the ranking. */
export interface Contest {
  /** Best first: those that have a rank. */
  criteria: string[];
  defects: number;
  models: number;
  pairs: PairComparison[];
  /** The headline's mean of each, as ranked. */
  means: ReadonlyMap<string, number>;
  /** Over all of them; null for fewer than three. */
  test: Friedman | null;
  /** Per criterion: two share a letter where they are not told apart. */
  letters: ReadonlyMap<string, string>;
}

/** A criterion's view of each defect, by id. */
type Judged = { criterion: string; values: Map<string, DefectValue> };

function judged(criteria: readonly CriterionValues[], view: View): Judged[] {
  return criteria.map(({ criterion, values }) => ({
    criterion,
    values: new Map(viewed(values, view).map((value) => [value.record.id, value])),
  }));
}

/**
 * One value per clean model: the cell mean over its defects, which are no independent observations (docs/methods.md
 * §13.3).
 */
export function perCleanModel(values: readonly DefectValue[]): Map<string, number> {
  const samples = new Map<string, { value: number; cell: string }[]>();
  for (const { record, value } of values) {
    const sample = { value, cell: cellOf(record.id) };
    const found = samples.get(record.clean);
    if (found) found.push(sample);
    else samples.set(record.clean, [sample]);
  }
  return new Map([...samples].map(([clean, list]) => [clean, cellMean(list)]));
}

/**
 * Every pair of criteria: values averaged per clean model, then Wilcoxon's signed-rank test over the clean models, p
 * adjusted over the pairs (Holm), with the matched-pairs rank-biserial correlation as effect size.
 */
export function comparePairs(criteria: readonly CriterionValues[], view: View): PairComparison[] {
  const all = judged(criteria, view);
  const pairs = all.flatMap((a, i) => all.slice(i + 1).map((b) => comparePair(a, b)));
  const tested = pairs.filter(({ test }) => test !== null);
  const adjusted = holm(tested.map(({ test }) => test!.p));
  return pairs.map((pair) => ({ ...pair, adjusted: adjusted[tested.indexOf(pair)] ?? null }));
}

function comparePair(a: Judged, b: Judged): PairComparison {
  const common = commonDefects([a, b]);
  const [left, right] = [a, b].map(({ values }) => perCleanModel(common.map((id) => values.get(id)!)));
  const differences = [...left].map(([clean, value]) => value - right.get(clean)!);
  return {
    a: a.criterion,
    b: b.criterion,
    defects: common.length,
    models: differences.length,
    difference:
      differences.length === 0 ? null : differences.reduce((sum, value) => sum + value, 0) / differences.length,
    test: differences.length < LEAST_CLUSTERS ? null : signedRank(differences),
    adjusted: null,
  };
}

function commonDefects(all: readonly Judged[]): string[] {
  const [first, ...others] = all;
  return first === undefined ? [] : [...first.values.keys()].filter((id) => others.every((o) => o.values.has(id)));
}

/**
 * Tests between the ranked criteria of one access: on the defects that all of them judged, averaged per clean model. Pairs
 * by Wilcoxon's signed-rank test and Holm, not by mean ranks, which depend on who else competes (A. Benavoli, G. Corani, F.
 * Mangili, JMLR 17, 2016); all together by Friedman's.
 *
 * @returns null where there is nothing to test: fewer than two ranked criteria, or fewer clean models than `LEAST_CLUSTERS`
 */
export function contestOf(
  data: Pick<ReportData, "scores" | "accepted" | "ranking" | "budget" | "manifest">,
  access: string,
): Contest | null {
  const ranked = data.ranking.filter((row) => row.access === access && row.budget === data.budget && row.rank !== null);
  if (ranked.length < 2 || ranked[0].models < LEAST_CLUSTERS) return null;
  const values = criterionValues(data);
  const criteria = ranked.map(
    ({ criterion }) => values.find((one) => one.criterion === criterion && one.access === access)!,
  );
  const common = new Set(commonDefects(judged(criteria, "difference")));
  const shared = criteria.map((one) => ({ ...one, values: one.values.filter(({ record }) => common.has(record.id)) }));
  const columns = judged(shared, "difference").map(({ values: of }) => perCleanModel([...of.values()]));
  const blocks = [...columns[0].keys()].map((clean) => columns.map((column) => column.get(clean)!));
  const pairs = comparePairs(shared, "difference");
  const pairAt = (i: number, j: number) =>
    pairs.find(({ a, b }) => a === criteria[i].criterion && b === criteria[j].criterion)!;
  const shown = letters(criteria.length, (i, j) => (pairAt(i, j).adjusted ?? 1) < ALPHA);
  return {
    criteria: criteria.map(({ criterion }) => criterion),
    defects: common.size,
    models: blocks.length,
    pairs,
    means: new Map(ranked.map(({ criterion, difference }) => [criterion, difference!.value])),
    test: criteria.length < 3 ? null : friedman(blocks, data.manifest.seed, `contest ${access}`),
    letters: new Map(criteria.map(({ criterion }, i) => [criterion, shown[i]])),
  };
}
