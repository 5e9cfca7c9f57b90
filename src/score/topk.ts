import { countNeurons, type LayerScores, type NeuronSet } from "../core/neurons.ts";
import { flatScores, type NeuronIndex, neuronsAt } from "./neuron-index.ts";

/** How many neurons to name: k over the whole network, or a number per layer. */
export type Quota = "global" | "layer";

/** Positions of the k highest scores in [start, end); ties by position, i.e. by layer order, then channel index. */
function highest(scores: Float64Array, start: number, end: number, k: number): number[] {
  const order = Array.from({ length: end - start }, (_, i) => start + i);
  order.sort((a, b) => scores[b] - scores[a] || a - b);
  return order.slice(0, k);
}

/** The k most suspicious neurons of the network. */
export function topK(index: NeuronIndex, scores: LayerScores, k: number): NeuronSet {
  const flags = new Uint8Array(index.size);
  for (const at of highest(flatScores(index, scores), 0, index.size, k)) flags[at] = 1;
  return neuronsAt(index, flags);
}

/** The most suspicious neurons of each layer, as many as `counts` says (absent = none). */
export function topPerLayer(index: NeuronIndex, scores: LayerScores, counts: Record<string, number>): NeuronSet {
  const flat = flatScores(index, scores);
  const flags = new Uint8Array(index.size);
  for (const { name, width } of index.layers) {
    const start = index.offsets.get(name)!;
    for (const at of highest(flat, start, start + width, counts[name] ?? 0)) flags[at] = 1;
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
