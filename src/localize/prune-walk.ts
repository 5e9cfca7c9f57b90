import { flatScores, indexNeurons, neuronsAt, suspicionOrder } from "../core/neuron-index.ts";
import type { LayerScores, NeuronSet } from "../core/neurons.ts";
import { neuronLayers } from "../graph/network.ts";
import { maskNeurons } from "../measure/mask.ts";
import type { StateDict } from "../tensor/state.ts";
import type { Suspect } from "./types.ts";

/** What a look at a pruned model says: prune on, that was too much, or that was it. */
export type Verdict = "on" | "too much" | "done";

/**
 * Prunes from the most suspicious neuron on, a share of all at a time, until the verdict is another than `on`. What is
 * judged need not change evenly, so every step is looked at.
 *
 * @returns the neurons pruned last; where that was too much, those before
 */
export async function pruneWalk(
  { network, state }: Pick<Suspect, "network" | "state">,
  scores: LayerScores,
  share: number,
  judge: (pruned: StateDict) => Promise<Verdict>,
): Promise<NeuronSet> {
  const index = indexNeurons(neuronLayers(network));
  const order = suspicionOrder(flatScores(index, scores));
  const step = Math.max(1, Math.round(share * index.size));
  const flags = new Uint8Array(index.size);
  let kept: NeuronSet = {};
  for (let start = 0; start < index.size; start += step) {
    for (const at of order.subarray(start, start + step)) flags[at] = 1;
    const pruned = neuronsAt(index, flags);
    const verdict = await judge(maskNeurons(network, state, pruned));
    if (verdict === "too much") return kept;
    kept = pruned;
    if (verdict === "done") return kept;
  }
  return kept;
}
