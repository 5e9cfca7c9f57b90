import type { LayerScores } from "../core/neurons.ts";
import type { Network } from "../graph/network.ts";
import { unitsOf } from "../graph/network.ts";
import { sliceOf, weightsOf } from "../graph/units.ts";
import { readSlice } from "../tensor/slices.ts";
import type { StateDict } from "../tensor/state.ts";

/** One number per neuron from the weights that it reads with, of a convolution the filter `[in × kh × kw]`, row-major. */
export function scoreFilters(network: Network, state: StateDict, score: (filter: Float32Array) => number): LayerScores {
  return Object.fromEntries(
    unitsOf(network).map((unit) => {
      const weights = weightsOf(unit);
      return [unit.id, Array.from({ length: unit.width }, (_, n) => score(readSlice(state, sliceOf(weights, n))))];
    }),
  );
}

/** A filter of zeros has no logarithm; this is far below any trained one. */
const FLOOR = 1e-12;

export function safeLog(value: number): number {
  return Math.log(Math.max(value, FLOOR));
}
