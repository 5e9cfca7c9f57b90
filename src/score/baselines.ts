/**
 * Criteria that show what a number means and compete with none: random scores, weight norms, the order by which the infected
 * neurons were picked. A test holds them against the registry of criteria.
 */
export const BASELINES: ReadonlySet<string> = new Set([
  "random",
  "weight-norm",
  "weight-floor",
  "contribution-high",
  "contribution-low",
]);
