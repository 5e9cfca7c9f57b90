import { twoSidedNormal } from "./normal.ts";
import { midranks } from "./ranks.ts";

/** A Wilcoxon signed-rank test of paired differences. */
export interface SignedRank {
  /** Differences, and how many of them are 0. */
  n: number;
  zeros: number;
  /** Sums of the ranks of positive and negative differences. */
  plus: number;
  minus: number;
  /** Two-sided; 1 where all differences are 0. */
  p: number;
  method: "exact" | "normal";
  /** Matched-pairs rank-biserial correlation, `(plus − minus)/(plus + minus)`, in [−1, 1]; null where all are 0. */
  effect: number | null;
}

/** Up to here the distribution is counted out. */
const MOST_EXACT = 100;

/**
 * Wilcoxon's signed-rank test in Pratt's version: zeros take part in the ranking and are then left out (J. W. Pratt,
 * Remarks on zeros and ties in the Wilcoxon signed rank procedures, JASA 54, 1959); ties share their mean rank. The p-value
 * is that of all 2ᵐ signs of the m differences that are not 0, given these ranks, so ties and zeros are no approximation;
 * beyond 100 differences the normal distribution of the same mean and variance stands in, without continuity correction.
 * Effect: D. S. Kerby, The simple difference formula, Comprehensive Psychology 3, 2014.
 */
export function signedRank(differences: readonly number[]): SignedRank {
  const n = differences.length;
  const ranks = midranks(differences.map(Math.abs));
  const kept = ranks.filter((_, i) => differences[i] !== 0);
  const sumOf = (list: readonly number[]) => list.reduce((sum, rank) => sum + rank, 0);
  const total = sumOf(kept);
  const plus = sumOf(ranks.filter((_, i) => differences[i] > 0));
  const minus = total - plus;
  const method = n <= MOST_EXACT ? "exact" : "normal";
  const p = kept.length === 0 ? 1 : method === "exact" ? exactP(kept, plus) : normalP(kept, plus);
  return { n, zeros: n - kept.length, plus, minus, p, method, effect: total === 0 ? null : (plus - minus) / total };
}

/** Share of the sign patterns whose sum is at least as far from the middle. Mean ranks are halves, so doubled they are whole. */
function exactP(ranks: readonly number[], plus: number): number {
  const doubled = ranks.map((rank) => Math.round(2 * rank));
  const total = doubled.reduce((sum, rank) => sum + rank, 0);
  const share = new Float64Array(total + 1);
  share[0] = 1;
  let reached = 0;
  for (const rank of doubled) {
    reached += rank;
    for (let sum = reached; sum >= 0; sum--) share[sum] = (share[sum] + (sum >= rank ? share[sum - rank] : 0)) / 2;
  }
  const far = Math.abs(2 * Math.round(2 * plus) - total);
  let p = 0;
  for (let sum = 0; sum <= total; sum++) if (Math.abs(2 * sum - total) >= far) p += share[sum];
  return Math.min(1, p);
}

function normalP(ranks: readonly number[], plus: number): number {
  const mean = ranks.reduce((sum, rank) => sum + rank, 0) / 2;
  const variance = ranks.reduce((sum, rank) => sum + rank * rank, 0) / 4;
  return twoSidedNormal((plus - mean) / Math.sqrt(variance));
}
