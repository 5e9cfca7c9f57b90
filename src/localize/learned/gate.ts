/**
 * The threshold at which the share of infected models that reach it is furthest above that of the others; among equals the
 * highest, which fewest others reach.
 *
 * @returns one of the values given
 */
export function bestThreshold(infected: readonly number[], others: readonly number[]): number {
  let best = { threshold: Number.POSITIVE_INFINITY, distance: Number.NEGATIVE_INFINITY };
  const reach = (values: readonly number[], threshold: number) =>
    values.filter((value) => value >= threshold).length / Math.max(1, values.length);
  for (const threshold of [...infected, ...others].sort((a, b) => b - a)) {
    const distance = reach(infected, threshold) - reach(others, threshold);
    if (distance > best.distance) best = { threshold, distance };
  }
  return best.threshold;
}

/** How much a model looks infected: the mean of its five largest scores (docs/methods.md §10.14). */
export function topMean(scores: ArrayLike<number>): number {
  const largest = Float64Array.from(scores).sort().reverse().subarray(0, 5);
  return largest.reduce((sum, score) => sum + score, 0) / largest.length;
}
