import { Random, stageSeed } from "../../core/random.ts";
import { midranks } from "./ranks.ts";

export interface Friedman {
  /** Rows and columns of what was compared. */
  blocks: number;
  treatments: number;
  /** Mean rank of each treatment, 1 = the largest value. */
  meanRanks: number[];
  /** Friedman's χ² with correction for ties; 0 where every block is one tie. */
  statistic: number;
  /** See `PERMUTATIONS`. */
  p: number;
}

/** The p-value is the share of as many random orders of the ranks inside each block, the observed one included. */
export const PERMUTATIONS = 9999;

/**
 * Friedman's test of whether treatments differ, over blocks (M. Friedman, The use of ranks to avoid the assumption of
 * normality implicit in the analysis of variance, JASA 32, 1937). Its χ² distribution holds for many blocks only, so the
 * p-value comes from permutations.
 *
 * @param values `[blocks][treatments]`, larger = better; at least one block and two treatments
 * @param label names the draw, so that the p-value is the same in every report
 */
export function friedman(values: readonly (readonly number[])[], seed: number, label: string): Friedman {
  const ranks = values.map((row) => midranks(row.map((value) => -value)));
  const [blocks, treatments] = [ranks.length, ranks[0].length];
  const sums = rankSums(ranks);
  const observed = spread(sums, blocks);
  const random = new Random(stageSeed(seed, "report", "friedman", label));
  let asFar = 1;
  for (let i = 1; i < PERMUTATIONS; i++) {
    for (const row of ranks) random.shuffle(row);
    // Sums of halves are exact: equal spreads compare equal.
    if (spread(rankSums(ranks), blocks) >= observed) asFar++;
  }
  return {
    blocks,
    treatments,
    meanRanks: sums.map((sum) => sum / blocks),
    statistic: statistic(observed, ranks),
    p: asFar / PERMUTATIONS,
  };
}

function rankSums(ranks: readonly (readonly number[])[]): number[] {
  return ranks[0].map((_, t) => ranks.reduce((sum, row) => sum + row[t], 0));
}

/** Sum of squares of the rank sums around their mean. */
function spread(sums: readonly number[], blocks: number): number {
  const mean = (blocks * (sums.length + 1)) / 2;
  return sums.reduce((total, sum) => total + (sum - mean) ** 2, 0);
}

/** `(k−1)·Σ(R_j − b(k+1)/2)² / Σ(r_ij − (k+1)/2)²`: without ties 12·Σ(…)²/(b·k·(k+1)). */
function statistic(observed: number, ranks: readonly (readonly number[])[]): number {
  const k = ranks[0].length;
  const within = ranks.flat().reduce((sum, rank) => sum + (rank - (k + 1) / 2) ** 2, 0);
  return within === 0 ? 0 : ((k - 1) * observed) / within;
}
