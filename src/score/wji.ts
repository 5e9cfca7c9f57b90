import { countNeurons, type NeuronSet } from "../core/neurons.ts";
import { overlap } from "./sets.ts";

/**
 * The formula's name in results: the original's exact formula is unknown, so ours is versioned (docs/methods.md §12.3).
 */
export const WJI_VERSION = "wji-v1";

/** Contribution of each neuron of a set, aligned with it. */
export type Contributions = Record<string, number[]>;

/**
 * Weighted Jaccard index, `wji-v1`: the true neurons weigh `w_n = |G|·c_n / Σ_G c` (c clipped at 0; all 1 when the
 * sum is 0), every false positive weighs 1, and `WJI = Σ_{G∩P} w / (|G| + |P∖G|)`. In [0, 1]; equal contributions
 * give the plain Jaccard index; an empty P gives 0, or 1 when G is empty too.
 *
 * @param contribution c, aligned with `truth`. @throws Error where it is not.
 */
export function wji(truth: NeuronSet, contribution: Contributions, predicted: NeuronSet): number {
  const g = countNeurons(truth);
  const falsePositives = countNeurons(predicted) - overlap(truth, predicted);
  if (g === 0) return falsePositives === 0 ? 1 : 0;
  let sum = 0;
  let found = 0;
  let hits = 0;
  for (const [layer, channels] of Object.entries(truth)) {
    const c = contribution[layer];
    if (c?.length !== channels.length) throw new Error(`contributions of layer '${layer}' do not match its neurons`);
    const named = new Set(predicted[layer]);
    channels.forEach((channel, i) => {
      const weight = Math.max(0, c[i]);
      sum += weight;
      if (!named.has(channel)) return;
      found += weight;
      hits++;
    });
  }
  const weighted = sum > 0 ? g * (found / sum) : hits;
  return Math.min(1, weighted / (g + falsePositives));
}

/** Contributions restricted to a subset of the neurons they belong to, such as the effective set. */
export function restrictContributions(truth: NeuronSet, contribution: Contributions, subset: NeuronSet): Contributions {
  const restricted: Contributions = {};
  for (const [layer, channels] of Object.entries(subset)) {
    restricted[layer] = channels.map((channel) => {
      const at = truth[layer]?.indexOf(channel) ?? -1;
      if (at < 0) throw new Error(`neuron ${layer}:${channel} has no contribution`);
      return contribution[layer][at];
    });
  }
  return restricted;
}
