import { indexNeurons, topK } from "../core/neuron-index.ts";
import type { LayerScores, LayerWidth, NeuronSet } from "../core/neurons.ts";

/** Share of all neurons that a criterion without a rule of its own names (docs/methods.md §10.10). */
const SHARE = 0.05;

/** The most suspicious 5 % of all neurons, at least one. */
export function topShare(layers: LayerWidth[], scores: LayerScores): NeuronSet {
  const index = indexNeurons(layers);
  return topK(index, scores, Math.max(1, Math.round(SHARE * index.size)));
}
