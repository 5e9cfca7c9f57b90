import type { LayerScores, NeuronSet } from "../../core/neurons.ts";
import { mean, standardDeviation } from "../../core/statistics.ts";
import { BN_EPSILON } from "../../graph/batchnorm.ts";
import { unitsOf, weightedNodes } from "../../graph/network.ts";
import { tensorOf } from "../../tensor/state.ts";
import { byWeights } from "../by-weights.ts";
import { amplification, hasFeedForward } from "../feed-forward.ts";
import { layerZ } from "../normalise.ts";
import { spectralNorms } from "../spectral-norm.ts";

/** Standard deviations above the layer's mean at which a channel is named (the published default). */
const DEVIATIONS = 3;

/**
 * Channel Lipschitzness (docs/methods.md §10.5): `u = ‖W[c] as C_in × k²‖₂ · |γ_c| / √(σ²_c + 1e-5)`, an upper bound on
 * how far the channel can amplify a change of its input. Weights alone. Native: u > mean + 3·std of the layer. Of a hidden linear
 * unit, which has no batch norm, it is ‖W[j]‖₂; of a decoder's feed-forward unit the product of the norms of all that it multiplies with.
 */
export const clp = byWeights({
  name: "clp",
  title: "Channel Lipschitzness-based pruning",
  kind: "published",
  source: "Zheng, Tang, Li, Liu: Data-free Backdoor Removal based on Channel Lipschitzness (ECCV 2022)",
  needs: ["norm-or-feed-forward"],
  rawOf(network, state) {
    const raw: LayerScores = {};
    const isDecoder = hasFeedForward(network);
    for (const unit of unitsOf(network)) {
      const { id, width } = unit;
      if (isDecoder) {
        raw[id] = amplification(network, state, unit);
        continue;
      }
      const { bn, kernel } = weightedNodes(network).find((node) => node.id === id)!;
      const norms = spectralNorms(tensorOf(state, `${id}.weight`).data, width, kernel * kernel);
      raw[id] = [...norms];
      if (bn === undefined) continue;
      const gains = tensorOf(state, `${bn}.weight`).data;
      const variances = tensorOf(state, `${bn}.running_var`).data;
      raw[id] = raw[id].map((norm, c) => (norm * Math.abs(gains[c])) / Math.sqrt(variances[c] + BN_EPSILON));
    }
    return raw;
  },
  judge(raw) {
    const native: NeuronSet = {};
    for (const [layer, values] of Object.entries(raw)) {
      const threshold = mean(values) + DEVIATIONS * standardDeviation(values);
      const named = values.flatMap((u, c) => (u > threshold ? [c] : []));
      if (named.length > 0) native[layer] = named;
    }
    return { raw, scores: layerZ(raw), native };
  },
});
