import { suspicionOrder } from "../../core/neuron-index.ts";
import type { LayerScores } from "../../core/neurons.ts";

/** Digits that are tried: a page shows three or four. */
const DIGITS = [6, 9, 12];

/**
 * Scores with as few digits as keep the order of all neurons, ties among them: as text they take a third of what they took, and every rank and
 * top-k set of a page is that of the stored scores.
 */
export function shortScores(scores: LayerScores): LayerScores {
  const flat = Float64Array.from(Object.values(scores).flat());
  const order = suspicionOrder(flat);
  for (const digits of DIGITS) {
    const short = flat.map((value) => Number(value.toPrecision(digits)));
    const isSame = suspicionOrder(short).every((at, i) => at === order[i] && sameStep(short, flat, order, i));
    if (isSame) return split(scores, short);
  }
  return scores;
}

/** Whether two neighbours in the order are tied where they were, and only there. */
function sameStep(short: Float64Array, flat: Float64Array, order: ArrayLike<number>, i: number): boolean {
  if (i === 0) return true;
  const [a, b] = [order[i - 1], order[i]];
  return (short[a] === short[b]) === (flat[a] === flat[b]);
}

function split(scores: LayerScores, flat: Float64Array): LayerScores {
  let at = 0;
  return Object.fromEntries(
    Object.entries(scores).map(([layer, { length }]) => {
      at += length;
      return [layer, [...flat.subarray(at - length, at)]];
    }),
  );
}
