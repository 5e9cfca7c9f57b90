/**
 * The smallest magnitude that is kept of some terms: the smaller ones come together to no more than a limit. Infinite where all do. Of
 * equally small ones where that ends all are kept, so their order does not matter (docs/methods.md §10.6, step 3).
 *
 * @param magnitudes at least 0; they are sorted
 */
export function smallestKept(magnitudes: Float64Array, limit: number): number {
  magnitudes.sort();
  let sum = 0;
  for (const magnitude of magnitudes) {
    sum += magnitude;
    if (sum > limit) return magnitude;
  }
  return Number.POSITIVE_INFINITY;
}
