/**
 * How well scores rank the true neurons above the others (docs/methods.md §12.4). Every function takes the scores of
 * all N neurons (higher = more suspicious) and their truth (1 = infected), and treats ties as broken at random: it
 * returns the expectation over tie orders. Where a value is undefined (no true neuron, or no other) it is null.
 */

/** Neurons of one score: how many come before, how many there are, how many of them are true. */
interface TieGroup {
  before: number;
  size: number;
  positives: number;
}

/** Groups of equal score, highest first. */
function tieGroups(scores: ArrayLike<number>, truth: ArrayLike<number>): TieGroup[] {
  const order = Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => scores[b] - scores[a]);
  const groups: TieGroup[] = [];
  for (let i = 0; i < order.length; ) {
    const group: TieGroup = { before: i, size: 0, positives: 0 };
    const score = scores[order[i]];
    for (; i < order.length && scores[order[i]] === score; i++) {
      group.size++;
      if (truth[order[i]]) group.positives++;
    }
    groups.push(group);
  }
  return groups;
}

/** Each neuron's place by its score: 1 + how many have a higher one, so equal scores share a place. */
export function placesOf(scores: ArrayLike<number>): Int32Array {
  const order = Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => scores[b] - scores[a]);
  const places = new Int32Array(scores.length);
  for (const [at, i] of order.entries()) {
    const before = order[at - 1];
    places[i] = before !== undefined && scores[before] === scores[i] ? places[before] : at + 1;
  }
  return places;
}

function countTrue(truth: ArrayLike<number>): number {
  let count = 0;
  for (let i = 0; i < truth.length; i++) if (truth[i]) count++;
  return count;
}

/** `(Σ ranks of G − |G|(|G|+1)/2) / (|G|(N−|G|))`, ranks ascending with ties averaged: 0.5 = chance, 1 = perfect. */
export function auroc(scores: ArrayLike<number>, truth: ArrayLike<number>): number | null {
  const n = scores.length;
  const g = countTrue(truth);
  if (g === 0 || g === n) return null;
  let rankSum = 0;
  for (const { before, size, positives } of tieGroups(scores, truth)) {
    const ascendingRank = n - before - (size - 1) / 2;
    rankSum += positives * ascendingRank;
  }
  return (rankSum - (g * (g + 1)) / 2) / (g * (n - g));
}

/** `Σ_k (R_k − R_{k−1})·P_k` over distinct scores, descending: ties enter together, no interpolation. */
export function averagePrecision(scores: ArrayLike<number>, truth: ArrayLike<number>): number | null {
  const g = countTrue(truth);
  if (g === 0) return null;
  let hits = 0;
  let sum = 0;
  for (const { before, size, positives } of tieGroups(scores, truth)) {
    hits += positives;
    sum += (positives / g) * (hits / (before + size));
  }
  return sum;
}

/** Expected rank of the first true neuron / N: the share of neurons an engineer inspects before a hit. */
export function exam(scores: ArrayLike<number>, truth: ArrayLike<number>): number | null {
  const first = tieGroups(scores, truth).find((group) => group.positives > 0);
  if (!first) return null;
  // The smallest of g random positions among m is (m+1)/(g+1) on average.
  return (first.before + (first.size + 1) / (first.positives + 1)) / scores.length;
}

/** Mean over the true neurons of expected rank / N. */
export function meanExam(scores: ArrayLike<number>, truth: ArrayLike<number>): number | null {
  const g = countTrue(truth);
  if (g === 0) return null;
  let sum = 0;
  for (const { before, size, positives } of tieGroups(scores, truth)) sum += positives * (before + (size + 1) / 2);
  return sum / g / scores.length;
}

/** Probability that a true neuron is among the first n: 0 or 1 unless a tie crosses n. */
export function topN(scores: ArrayLike<number>, truth: ArrayLike<number>, n: number): number {
  for (const { before, size, positives } of tieGroups(scores, truth)) {
    if (before >= n) break;
    if (positives === 0) continue;
    const taken = Math.min(size, n - before);
    let miss = 1;
    for (let i = 0; i < taken; i++) miss *= Math.max(0, size - positives - i) / (size - i);
    return 1 - miss;
  }
  return 0;
}

/** Expected number of true neurons among the first n. */
function hitsAt(scores: ArrayLike<number>, truth: ArrayLike<number>, n: number): number {
  let hits = 0;
  for (const { before, size, positives } of tieGroups(scores, truth)) {
    const taken = Math.min(size, n - before);
    if (taken <= 0) break;
    hits += (positives * taken) / size;
  }
  return hits;
}

/** Share of the true neurons found among the first n. */
export function recallAt(scores: ArrayLike<number>, truth: ArrayLike<number>, n: number): number | null {
  const g = countTrue(truth);
  return g === 0 ? null : hitsAt(scores, truth, n) / g;
}

/** Share of true neurons among the first |G|. */
export function precisionAtG(scores: ArrayLike<number>, truth: ArrayLike<number>): number | null {
  const g = countTrue(truth);
  return g === 0 ? null : hitsAt(scores, truth, g) / g;
}

export type RankingMetric = (scores: ArrayLike<number>, truth: ArrayLike<number>) => number | null;

/** Unweighted mean of a metric over the layers where it is defined: ranking inside layers, blind to their levels. */
export function layerMacro(
  metric: RankingMetric,
  widths: readonly number[],
  scores: Float64Array,
  truth: Uint8Array,
): number | null {
  const values: number[] = [];
  let start = 0;
  for (const width of widths) {
    const value = metric(scores.subarray(start, start + width), truth.subarray(start, start + width));
    if (value !== null) values.push(value);
    start += width;
  }
  return values.length === 0 ? null : values.reduce((sum, v) => sum + v, 0) / values.length;
}
