import type { NeuronSet } from "../core/neurons.ts";
import { Random, stageSeed } from "../core/random.ts";
import type { Network } from "../graph/network.ts";
import { chosenUnits, type Role, sliceOf, weightsOf } from "../graph/units.ts";
import { readSlice, sliceSize, writeSlice } from "../tensor/slices.ts";
import { cloneState, type StateDict, tensorOf } from "../tensor/state.ts";
import { finetuneNeurons } from "./finetune.ts";
import type { Repair } from "./types.ts";

/** What is not drawn. */
const CONSTANT: Partial<Record<Role, number>> = { gain: 1, shift: 0 };

/**
 * A copy of the weights in which θ of some neurons is as fresh weights are: filter and bias ~ U(±1/√fan_in), γ = 1,
 * β = 0 (docs/methods.md §4.2). Batch-norm statistics stay as they are.
 */
export function reinitialise(network: Network, state: StateDict, neurons: NeuronSet, random: Random): StateDict {
  const fresh = cloneState(state);
  for (const { unit, neurons: chosen } of chosenUnits(network, neurons)) {
    const { key, axis } = weightsOf(unit);
    const bound = 1 / Math.sqrt(sliceSize(tensorOf(fresh, key).shape, axis));
    for (const share of unit.owned) {
      const constant = CONSTANT[share.role];
      const draw = () => constant ?? random.between(-bound, bound);
      for (const n of chosen) {
        const slice = sliceOf(share, n);
        writeSlice(fresh, slice, readSlice(fresh, slice).map(draw));
      }
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
