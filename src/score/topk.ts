import { flatScores, type NeuronIndex, neuronsAt, suspicionOrder, topK } from "../core/neuron-index.ts";
import { countNeurons, type LayerScores, type NeuronSet } from "../core/neurons.ts";

/** How many neurons to name: k over the whole network, or a number per layer. */
export type Quota = "global" | "layer";

/** The most suspicious neurons of each layer in the forced order, as many as `counts` says (absent = none). */
export function topPerLayer(index: NeuronIndex, scores: LayerScores, counts: Record<string, number>): NeuronSet {
  const flat = flatScores(index, scores);
  const flags = new Uint8Array(index.size);
  for (const { name, width } of index.layers) {
    const start = index.offsets.get(name)!;
    const order = suspicionOrder(flat.subarray(start, start + width));
    for (const channel of order.subarray(0, counts[name] ?? 0)) flags[start + channel] = 1;
  }
  return neuronsAt(index, flags);
}

/**
 * P_k of METHODS §5: the controlled set of the truth's own size, so that only the ranking is judged and not the
 * criterion's threshold. With quota `layer` each layer gives as many as the truth has there.
 */
export function controlledSet(index: NeuronIndex, scores: LayerScores, truth: NeuronSet, quota: Quota): NeuronSet {
  if (quota === "global") return topK(index, scores, countNeurons(truth));
  const counts = Object.fromEntries(Object.entries(truth).map(([layer, channels]) => [layer, channels.length]));
  return topPerLayer(index, scores, counts);
}
