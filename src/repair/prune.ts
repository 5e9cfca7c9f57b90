import type { LayerScores, LayerWidth, NeuronSet } from "../core/neurons.ts";
import { type Network, neuronLayers } from "../graph/network.ts";
import { maskNeurons } from "../measure/mask.ts";
import type { Repair } from "./types.ts";

/**
 * Spares one channel of every layer that would lose all of them, since a layer without output ends the network: the
 * least suspicious one; without scores, or among equals, the last.
 */
export function spareOnePerLayer(network: Network, neurons: NeuronSet, scores?: LayerScores): NeuronSet {
  return spareOneOf(neuronLayers(network), neurons, scores);
}

/** The same of a network of which no more is known than its layers of neurons. */
export function spareOneOf(layers: readonly LayerWidth[], neurons: NeuronSet, scores?: LayerScores): NeuronSet {
  const spared: NeuronSet = { ...neurons };
  for (const { name: id, width } of layers) {
    const channels = neurons[id];
    if (channels === undefined || channels.length < width) continue;
    const suspicion = (c: number) => scores?.[id]?.[c] ?? 0;
    const survivor = channels.reduce((best, c) => (suspicion(c) <= suspicion(best) ? c : best));
    spared[id] = channels.filter((c) => c !== survivor);
  }
  return spared;
}

/** Neuron pruning (docs/methods.md §11.1): the named neurons' output becomes exactly 0; no retraining. */
export const prune: Repair = {
  name: "prune",
  title: "Neuron pruning",
  source: "as in BDefects4NN (ICSE 2025)",
  async repair({ network, state }, neurons, scores) {
    return maskNeurons(network, state, spareOnePerLayer(network, neurons, scores));
  },
};
