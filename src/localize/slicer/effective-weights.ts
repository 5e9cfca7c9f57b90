import { channelFold } from "../../graph/fold.ts";
import { classifierOf, type Network, weightedNodes } from "../../graph/network.ts";
import { type StateDict, tensorOf } from "../../tensor/state.ts";

/** `[out × in]`, row-major: what a channel's mean does to another's. */
export type EffectiveWeights = Map<string, Float64Array>;

/**
 * The weight between channels (docs/methods.md §10.6, step 2): `w̃ = γ/√(σ² + ε) · Σ_{kh,kw} W`, with the sign of γ;
 * the classifier's weights are its own, and so are those of layers without batch norm.
 */
export function effectiveWeights(network: Network, state: StateDict): EffectiveWeights {
  const weights: EffectiveWeights = new Map();
  for (const unit of weightedNodes(network)) {
    const { data } = tensorOf(state, `${unit.id}.weight`);
    const taps = unit.kernel * unit.kernel;
    const sums = new Float64Array(data.length / taps);
    const inputs = sums.length / unit.out;
    for (let c = 0; c < unit.out; c++) {
      const { factor } = channelFold(state, unit, c);
      for (let i = c * inputs; i < (c + 1) * inputs; i++) {
        for (let t = 0; t < taps; t++) sums[i] += data[i * taps + t];
        sums[i] *= factor;
      }
    }
    weights.set(unit.id, sums);
  }
  const { id } = classifierOf(network);
  return weights.set(id, Float64Array.from(tensorOf(state, `${id}.weight`).data));
}
