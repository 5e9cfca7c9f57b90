import type { NeuronSet } from "../core/neurons.ts";
import { tensorOf } from "../tensor/state.ts";
import { scoreFilters } from "./filters.ts";
import { layerZ, mean, standardDeviation } from "./normalise.ts";
import { spectralNorm } from "./spectral-norm.ts";
import type { CleanCriterion } from "./types.ts";

const BN_EPSILON = 1e-5;

/** Standard deviations above the layer's mean at which a channel is named (the published default). */
const DEVIATIONS = 3;

/**
 * Channel Lipschitzness (METHODS §5.4): `u = ‖W[c] as C_in × k²‖₂ · |γ_c| / √(σ²_c + 1e-5)`, an upper bound on how
 * far the channel can amplify a change of its input. Weights alone. Native: u > mean + 3·std of the layer.
 */
export const clp: CleanCriterion = {
  name: "clp",
  title: "Channel Lipschitzness-based pruning",
  source: "Zheng, Tang, Li, Liu: Data-free Backdoor Removal based on Channel Lipschitzness (ECCV 2022)",
  access: "clean",
  needsData: false,
  async localize({ network, state }) {
    const raw = scoreFilters(network, state, (filter, unit, c) => {
      const gain = Math.abs(tensorOf(state, `${unit.bn}.weight`).data[c]);
      const variance = tensorOf(state, `${unit.bn}.running_var`).data[c];
      return (spectralNorm(filter, unit.kernel * unit.kernel) * gain) / Math.sqrt(variance + BN_EPSILON);
    });
    const native: NeuronSet = {};
    for (const [layer, values] of Object.entries(raw)) {
      const threshold = mean(values) + DEVIATIONS * standardDeviation(values);
      const named = values.flatMap((u, c) => (u > threshold ? [c] : []));
      if (named.length > 0) native[layer] = named;
    }
    return { raw, scores: layerZ(raw), native };
  },
};
