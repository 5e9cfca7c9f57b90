import { flatScores, type NeuronIndex, neuronsAt, suspicionOrder, tellsNothing, topK } from "../core/neuron-index.ts";
import { countNeurons, type LayerScores, type NeuronSet } from "../core/neurons.ts";

/** How many neurons to name: k over the whole network, or a number per layer. */
export type Quota = "global" | "layer";

/**
 * The most suspicious neurons of each layer in the forced order, as many as `counts` says (absent = none); none at all
 * where the whole network scores the same.
 */
export function topPerLayer(index: NeuronIndex, scores: LayerScores, counts: Record<string, number>): NeuronSet {
  const flat = flatScores(index, scores);
  const flags = new Uint8Array(index.size);
  if (tellsNothing(flat)) return {};
  for (const { name, width } of index.layers) {
    const start = index.offsets.get(name)!;
    const order = suspicionOrder(flat.subarray(start, start + width));
    for (const channel of order.subarray(0, counts[name] ?? 0)) flags[start + channel] = 1;
  }
  return neuronsAt(index, flags);
}

/**
 * P_k of docs/methods.md §12.5 as one definite set, for a repair: the truth's own size, ties in the forced order,
 * nothing where the scores tell nothing. With quota `layer` each layer gives as many as the truth has there. Scores are
 * judged over all orders of the ties instead (`agreementAtK`).
 */
export function controlledSet(index: NeuronIndex, scores: LayerScores, truth: NeuronSet, quota: Quota): NeuronSet {
  if (quota === "global") return topK(index, scores, countNeurons(truth));
  const counts = Object.fromEntries(Object.entries(truth).map(([layer, channels]) => [layer, channels.length]));
  return topPerLayer(index, scores, counts);
}
