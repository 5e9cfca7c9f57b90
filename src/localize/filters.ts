import type { LayerScores } from "../core/neurons.ts";
import { type ConvUnit, convUnits, type Network } from "../graph/network.ts";
import { type StateDict, tensorOf } from "../tensor/state.ts";

/** One number per neuron from its filter `[in × kh × kw]`, row-major. */
export function scoreFilters(
  network: Network,
  state: StateDict,
  score: (filter: Float32Array, unit: ConvUnit, channel: number) => number,
): LayerScores {
  const scores: LayerScores = {};
  for (const unit of convUnits(network)) {
    const { data } = tensorOf(state, `${unit.id}.weight`);
    const row = data.length / unit.out;
    scores[unit.id] = Array.from({ length: unit.out }, (_, c) => score(data.subarray(c * row, (c + 1) * row), unit, c));
  }
  return scores;
}

/** A filter of zeros has no logarithm; this is far below any trained one. */
const FLOOR = 1e-12;

export function safeLog(value: number): number {
  return Math.log(Math.max(value, FLOOR));
}
