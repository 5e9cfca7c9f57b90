/**
 * p-values adjusted for a family of tests, in the order given: S. Holm, A simple sequentially rejective multiple test
 * procedure, Scandinavian Journal of Statistics 6, 1979. One below α is significant at a family-wise error rate of α.
 */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, at) => at).sort((a, b) => pValues[a] - pValues[b]);
  const adjusted = new Array<number>(pValues.length);
  let least = 0;
  for (const [i, at] of order.entries()) {
    least = Math.max(least, Math.min(1, (pValues.length - i) * pValues[at]));
    adjusted[at] = least;
  }
  return adjusted;
}
