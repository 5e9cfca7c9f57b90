import { cellMean, cellOf } from "../score/cells.ts";
import { type CriterionValues, type DefectValue, type View, viewed } from "./headline.ts";
import { type Friedman, friedman } from "./statistics/friedman.ts";
import { holm } from "./statistics/holm.ts";
import { cliques, criticalDifference } from "./statistics/nemenyi.ts";
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

/** Criteria by mean rank over clean models, on the defects that all of them judged. */
export interface CriteriaRanking {
  /** Best first. */
  ranks: { criterion: string; rank: number }[];
  defects: number;
  models: number;
  /** Criteria that too few clean models share with the others. */
  leftOut: string[];
  /** Null below `LEAST_CLUSTERS` or three criteria. */
  test: Friedman | null;
  /** Nemenyi's; null where there is no test. */
  criticalDifference: number | null;
  /** Neighbours in `ranks`, from … to, that are not told apart. */
  cliques: [from: number, to: number][];
}

/** A criterion's view of each defect, by id. */
type Judged = { criterion: string; values: Map<string, DefectValue> };

function judged(criteria: readonly CriterionValues[], view: View): Judged[] {
  return criteria.map(({ criterion, values }) => ({
    criterion,
    values: new Map(viewed(values, view).map((value) => [value.record.id, value])),
  }));
}

/** One value per clean model: the cell mean over its defects, which are no independent observations (METHODS §7). */
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

function modelsOf({ values }: Judged, ids: readonly string[]): number {
  return new Set(ids.map((id) => values.get(id)!.record.clean)).size;
}

/**
 * Ranks criteria inside each clean model and compares mean ranks: Friedman's test, then Nemenyi's critical difference
 * (J. Demšar, JMLR 7, 2006). Ranks need every criterion on the same defects: while fewer than `LEAST_CLUSTERS` clean
 * models are shared, the criterion judged on the fewest defects is left out, as long as three stay.
 *
 * @param label names the permutations' draw
 */
export function rankCriteria(
  criteria: readonly CriterionValues[],
  view: View,
  seed: number,
  label: string,
): CriteriaRanking {
  const every = judged(criteria, view).filter(({ values }) => values.size > 0);
  const empty = criteria.map(({ criterion }) => criterion).filter((name) => !every.some((e) => e.criterion === name));
  let kept = every;
  let common = commonDefects(kept);
  while (kept.length > 3 && modelsOf(kept[0], common) < LEAST_CLUSTERS) {
    const fewest = kept.reduce((least, one) => (one.values.size < least.values.size ? one : least));
    kept = kept.filter((one) => one !== fewest);
    common = commonDefects(kept);
  }
  // Where leaving out does not help, nobody is left out.
  if (kept.length > 0 && modelsOf(kept[0], common) < LEAST_CLUSTERS) {
    kept = every;
    common = commonDefects(kept);
  }
  const columns = kept.map(({ values }) => perCleanModel(common.map((id) => values.get(id)!)));
  const blocks = [...(columns[0]?.keys() ?? [])].map((clean) => columns.map((column) => column.get(clean)!));
  const leftOut = [...empty, ...every.filter((one) => !kept.includes(one)).map(({ criterion }) => criterion)];
  const size = { defects: common.length, models: blocks.length, leftOut };
  if (blocks.length === 0 || kept.length < 2) {
    return { ...size, ranks: [], test: null, criticalDifference: null, cliques: [] };
  }
  const found = friedman(blocks, seed, label);
  const ranks = kept
    .map(({ criterion }, i) => ({ criterion, rank: found.meanRanks[i] }))
    .sort((a, b) => a.rank - b.rank || (a.criterion < b.criterion ? -1 : 1));
  const testable = blocks.length >= LEAST_CLUSTERS && kept.length >= 3;
  const critical = testable ? criticalDifference(kept.length, blocks.length) : null;
  return {
    ...size,
    ranks,
    test: testable ? found : null,
    criticalDifference: critical,
    cliques:
      critical === null
        ? []
        : cliques(
            ranks.map(({ rank }) => rank),
            critical,
          ),
  };
}
