import type { LayerScores, NeuronSet } from "../../core/neurons.ts";
import { BN_EPSILON } from "../../graph/batchnorm.ts";
import { neuronLayers } from "../../graph/network.ts";
import { storedStatistics } from "../../measure/statistics.ts";
import { safeLog } from "../filters.ts";
import { layerZ } from "../normalise.ts";
import type { CleanCriterion } from "../types.ts";

/** Layer z above which a neuron is named (docs/methods.md §10.9). */
const DEVIATIONS = 3;

/**
 * `KL(N₁‖N₂) + KL(N₂‖N₁)` of two normal distributions `= ½·[(σ₁² + d²)/σ₂² + (σ₂² + d²)/σ₁²] − 1`, d the means'
 * difference. Batch norm's ε is added to both variances, so that constant channels have a finite one.
 */
export function symmetricKl(mean1: number, variance1: number, mean2: number, variance2: number): number {
  const [a, b] = [variance1 + BN_EPSILON, variance2 + BN_EPSILON];
  const square = (mean1 - mean2) ** 2;
  // ½(a/b + b/a) − 1 written without cancellation where a ≈ b.
  return (a - b) ** 2 / (2 * a * b) + 0.5 * square * (1 / a + 1 / b);
}

/**
 * Batch-norm statistics against what the clean samples give (docs/methods.md §10.9): `u` = log of the symmetric KL
 * divergence between the pre-activation's normal distribution stored in the batch norm and the empirical one; z in the
 * layer. Data poisoning leaves both apart where the backdoor's neurons are, since training saw triggered images. Of layers without
 * batch norm nothing is known: their neurons score 0.
 */
export const bnp: CleanCriterion = {
  name: "bnp",
  title: "Pre-activation distributions (batch-norm statistics)",
  kind: "published",
  source: "Zheng, Tang, Li, Liu: Pre-activation Distributions Expose Backdoor Neurons (NeurIPS 2022)",
  needs: ["norm-or-hidden"],
  access: "clean",
  needsData: true,
  async localize({ network, state, runner, clean }) {
    const stored = storedStatistics(network, state);
    const empirical = await runner.preActivations(state, clean.fit);
    const raw: LayerScores = {};
    for (const { name, width } of neuronLayers(network)) {
      const [a, b] = [stored.get(name), empirical.get(name)];
      raw[name] = Array.from({ length: width }, (_, c) =>
        a && b ? safeLog(symmetricKl(a.mean[c], a.variance[c], b.mean[c], b.variance[c])) : 0,
      );
    }
    const scores = layerZ(raw);
    const native: NeuronSet = {};
    for (const [layer, values] of Object.entries(scores)) {
      const named = values.flatMap((z, c) => (z > DEVIATIONS ? [c] : []));
      if (named.length > 0) native[layer] = named;
    }
    return { raw, scores, native };
  },
};
