import type { NeuronSet } from "../core/neurons.ts";
import type { Network } from "../graph/network.ts";
import { chosenUnits, sliceOf } from "../graph/units.ts";
import { fillSlice } from "../tensor/slices.ts";
import { cloneState, type StateDict } from "../tensor/state.ts";

/**
 * A copy of the weights in which the given neurons are dead: all that they own is 0 (a convolution's filter row and bias, γ
 * and β), so the unit's output is exactly 0 (docs/methods.md §6.3, §11.1; γ = β = 0 alone would do, the row is cleared so
 * that nothing of the neuron is left). Batch-norm buffers and the given state stay as they are.
 *
 * @throws Error on a neuron that the network lacks.
 */
export function maskNeurons(network: Network, state: StateDict, neurons: NeuronSet): StateDict {
  const masked = cloneState(state);
  for (const { unit, neurons: dead } of chosenUnits(network, neurons)) {
    for (const share of unit.owned) for (const n of dead) fillSlice(masked, sliceOf(share, n), 0);
  }
  return masked;
}
