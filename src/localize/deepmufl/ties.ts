import type { LayerScores } from "../../core/neurons.ts";

/**
 * Neurons by one number, equal ones by another: ranks in [0, 1] over all layers. Neurons equal in both share a rank, and
 * where all are equal all have 0.
 */
export function rankWithTies(first: LayerScores, second: LayerScores): LayerScores {
  const pairs = Object.entries(first).flatMap(([layer, values]) =>
    values.map((value, c) => ({ layer, c, value, tie: second[layer][c] })),
  );
  pairs.sort((a, b) => a.value - b.value || a.tie - b.tie);
  const ranks: LayerScores = Object.fromEntries(
    Object.entries(first).map(([layer, values]) => [layer, values.slice()]),
  );
  let rank = 0;
  for (const [i, { layer, c, value, tie }] of pairs.entries()) {
    if (i > 0 && (value !== pairs[i - 1].value || tie !== pairs[i - 1].tie)) rank++;
    ranks[layer][c] = rank;
  }
  return Object.fromEntries(
    Object.entries(ranks).map(([layer, values]) => [layer, values.map((r) => (rank === 0 ? 0 : r / rank))]),
  );
}
