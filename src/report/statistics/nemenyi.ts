/**
 * Critical values at α = 0.05 for k = 2, 3, … treatments: the studentized range of k normal variables at infinite degrees
 * of freedom, over √2 (J. Demšar, Statistical comparisons of classifiers over multiple data sets, JMLR 7, 2006, table 5a
 * for k ≤ 10; all of them as SciPy 1.17.1 gives them: `studentized_range.ppf(0.95, k, inf) / sqrt(2)`).
 */
const Q_05 = [
  ...[1.96, 2.3437, 2.569, 2.7278, 2.8497, 2.9483, 3.0309, 3.1017, 3.1637, 3.2187, 3.268, 3.3127, 3.3536],
  ...[3.3912, 3.426, 3.4584, 3.4887, 3.5171, 3.5438, 3.569, 3.5929, 3.6156, 3.6373, 3.6579, 3.6776, 3.6964],
  ...[3.7145, 3.7319, 3.7486, 3.7647, 3.7802, 3.7952, 3.8097, 3.8237, 3.8373, 3.8504, 3.8632, 3.8756, 3.8876],
];

export const MOST_TREATMENTS = Q_05.length + 1;

/**
 * Nemenyi's critical difference at α = 0.05: mean ranks that are less apart are not told apart. `q·√(k(k+1)/(6N))`.
 *
 * @param treatments k, from 2 to `MOST_TREATMENTS`; null beyond. @param blocks N
 */
export function criticalDifference(treatments: number, blocks: number): number | null {
  const q = Q_05[treatments - 2];
  return q === undefined ? null : q * Math.sqrt((treatments * (treatments + 1)) / (6 * blocks));
}

/** The longest runs of neighbours whose ends are less than the critical difference apart: what a diagram joins by a bar. */
export function cliques(ascendingRanks: readonly number[], difference: number): [from: number, to: number][] {
  const found: [number, number][] = [];
  for (let from = 0; from < ascendingRanks.length; from++) {
    let to = from;
    while (to + 1 < ascendingRanks.length && ascendingRanks[to + 1] - ascendingRanks[from] < difference) to++;
    // A run inside an earlier one says nothing new.
    if (to > from && to > (found.at(-1)?.[1] ?? -1)) found.push([from, to]);
  }
  return found;
}
