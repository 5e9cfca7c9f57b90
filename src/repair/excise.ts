import { indexNeurons, layerScores, membership } from "../core/neuron-index.ts";
import { countNeurons, type LayerScores, type NeuronSet } from "../core/neurons.ts";
import { neuronLayers } from "../graph/network.ts";
import type { Suspect } from "../localize/types.ts";
import { maskNeurons } from "../measure/mask.ts";
import { exciseUntilDead } from "../reversal/excision.ts";
import { reversePatch } from "../reversal/reverse.ts";
import { withImages } from "../reversal/subject.ts";
import type { RankedRepair, Repair } from "./types.ts";

/**
 * Neurons cut in a criterion's order until a patch that was reversed from the model is dead, as far as clean images allow
 * (docs/methods.md §11.4). How many, the patch and the images decide, and not how many the criterion names.
 */
export const excise: Repair = {
  name: "excise",
  title: "Cutting until the reversed patch is dead",
  source: "this project",
  needs: ["pixels", "classes"],
  repair: async (suspect, neurons, scores) => (await byRanking(suspect, neurons, scores)).state,
  repairByRanking: byRanking,
};

/** @param scores absent: the named neurons are cut, in the order of layers, and no others */
async function byRanking(suspect: Suspect, neurons: NeuronSet, scores?: LayerScores): Promise<RankedRepair> {
  const { network, state } = suspect;
  if (!scores && countNeurons(neurons) === 0) {
    return { state: maskNeurons(network, state, {}), neurons: {}, note: "nothing cut: no neuron is named" };
  }
  const subject = withImages(suspect);
  const { patch } = await reversePatch(subject);
  const order = scores ?? namedFirst(suspect, neurons);
  const most = scores ? undefined : countNeurons(neurons);
  const { neurons: cut, note } = await exciseUntilDead(subject, order, patch, most);
  return { state: maskNeurons(network, state, cut), neurons: cut, note };
}

function namedFirst({ network }: Suspect, neurons: NeuronSet): LayerScores {
  const index = indexNeurons(neuronLayers(network));
  return layerScores(index, membership(index, neurons));
}
