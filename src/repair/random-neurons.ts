import { indexNeurons, neuronsAt } from "../core/neuron-index.ts";
import type { LayerWidth, NeuronSet } from "../core/neurons.ts";
import { Random, stageSeed } from "../core/random.ts";

/**
 * Neurons of the whole network, drawn at random: the floor that every choice of neurons to repair is held against. Model, seed
 * and count decide them.
 *
 * @param count how many; at most as many as there are
 * @param modelSha256 of the infected model: the sham and the clean twin get the same neurons
 */
export function randomNeurons(layers: LayerWidth[], count: number, modelSha256: string, seed: number): NeuronSet {
  const index = indexNeurons(layers);
  const random = new Random(stageSeed(seed, "repair", "random", modelSha256));
  const flags = new Uint8Array(index.size);
  for (const at of random.sample(index.size, count)) flags[at] = 1;
  return neuronsAt(index, flags);
}
