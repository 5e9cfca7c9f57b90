import type { NeuronSet } from "../core/neurons.ts";
import { Random, stageSeed } from "../core/random.ts";
import type { Network } from "../graph/network.ts";
import { ownedKeys, unitsOf } from "../measure/mask.ts";
import { cloneState, type StateDict, tensorOf } from "../tensor/state.ts";
import { finetuneNeurons } from "./finetune.ts";
import type { Repair } from "./types.ts";

/**
 * A copy of the weights in which θ of some neurons is as fresh weights are: filter and bias ~ U(±1/√fan_in), γ = 1,
 * β = 0 (docs/methods.md §4.2). Batch-norm statistics stay as they are.
 */
export function reinitialise(network: Network, state: StateDict, neurons: NeuronSet, random: Random): StateDict {
  const fresh = cloneState(state);
  for (const { unit, channels } of unitsOf(network, neurons)) {
    const bound = 1 / Math.sqrt(tensorOf(fresh, `${unit.id}.weight`).data.length / unit.out);
    for (const key of ownedKeys(unit)) {
      const { data } = tensorOf(fresh, key);
      const row = data.length / unit.out;
      const draw = key.startsWith(`${unit.bn}.`)
        ? () => (key.endsWith(".weight") ? 1 : 0)
        : () => random.between(-bound, bound);
      for (const c of channels) for (let i = c * row; i < (c + 1) * row; i++) data[i] = draw();
    }
  }
  return fresh;
}

/** Neuron fine-tuning that first forgets what the named neurons had learned (docs/methods.md §11.2). */
export const finetuneReinit: Repair = {
  name: "finetune-reinit",
  title: "Neuron fine-tuning from fresh weights",
  source: "as `finetune`, from fresh weights",
  repair(suspect, neurons) {
    const random = new Random(stageSeed(suspect.seed, "repair", "fresh weights"));
    return finetuneNeurons(suspect, reinitialise(suspect.network, suspect.state, neurons, random), neurons);
  },
};
