import { flatScores, indexNeurons, neuronsAt, suspicionOrder } from "../core/neuron-index.ts";
import type { LayerScores, NeuronSet } from "../core/neurons.ts";
import { mean } from "../core/statistics.ts";
import { neuronLayers, outputsOf } from "../graph/network.ts";
import { joined } from "../images/batch.ts";
import type { ImageSet } from "../images/image-set.ts";
import { maskNeurons } from "../measure/mask.ts";
import type { ReversalSubject } from "../reversal/subject.ts";
import { crossEntropies } from "./outputs.ts";

/** What cuts may cost: rises of the mean cross-entropy of clean images. */
export interface Spending {
  /** One cut. */
  each: number;
  /** All cuts, their rises added up. A fall is no credit: on few clean images it is noise as well as gain. */
  all: number;
  /** One cut, by the images that it makes worse alone: what others gain is no credit. Absent: whatever it is. */
  harm?: number;
}

/**
 * The suspicious neurons that clean images do without (docs/methods.md §11.4), found one after the other, the most suspicious first. No trigger has to be
 * known.
 *
 * @param subject whose clean images are all looked at
 * @param scores of every neuron, higher = more suspicious; equal ones in the order of layers
 * @param among how many of the most suspicious neurons are tried
 * @returns those to cut; every layer keeps a neuron
 */
export async function dispensable(
  { network, state, runner, clean }: ReversalSubject & { clean: { threshold: ImageSet } },
  scores: LayerScores,
  among: number,
  { each, all, harm = Number.POSITIVE_INFINITY }: Spending,
): Promise<NeuronSet> {
  const index = indexNeurons(neuronLayers(network));
  const images = joined(clean.fit, clean.threshold);
  const lossesWithout = async (cut: NeuronSet) => {
    const outputs = await runner.outputs(maskNeurons(network, state, cut), images);
    return crossEntropies(outputs, outputsOf(network), images.labels);
  };
  const left = new Map(index.layers.map(({ name, width }) => [name, width]));
  const layerOf = index.layers.flatMap(({ name, width }) => new Array<string>(width).fill(name));
  const cut = new Uint8Array(index.size);
  let now = await lossesWithout({});
  let spent = 0;
  for (const at of suspicionOrder(flatScores(index, scores)).subarray(0, among)) {
    const layer = layerOf[at];
    // A layer without a neuron would end the network.
    if (left.get(layer) === 1) continue;
    cut[at] = 1;
    const next = await lossesWithout(neuronsAt(index, cut));
    const rises = Array.from(next, (loss, i) => loss - now[i]);
    const rise = Math.max(0, mean(Array.from(next)) - mean(Array.from(now)));
    const harmed = mean(rises.map((one) => Math.max(0, one)));
    if (rise > each || spent + rise > all || harmed > harm) {
      cut[at] = 0;
      continue;
    }
    now = next;
    spent += rise;
    left.set(layer, left.get(layer)! - 1);
  }
  return neuronsAt(index, cut);
}
