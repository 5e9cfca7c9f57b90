import type { NeuronSet } from "../core/neurons.ts";
import { type ConvUnit, convUnits, type Network } from "../graph/network.ts";
import { cloneState, type StateDict, tensorOf } from "../tensor/state.ts";

/** The conv units that a neuron set names, with their channels. @throws Error on a layer or channel the network lacks. */
export function unitsOf(network: Network, neurons: NeuronSet): { unit: ConvUnit; channels: number[] }[] {
  const units = new Map(convUnits(network).map((unit) => [unit.id, unit]));
  return Object.entries(neurons).map(([layer, channels]) => {
    const unit = units.get(layer);
    if (!unit) throw new Error(`${network.arch} has no layer '${layer}'`);
    const beyond = channels.find((c) => !Number.isInteger(c) || c < 0 || c >= unit.out);
    if (beyond !== undefined) throw new Error(`${network.arch}: layer '${layer}' has no neuron ${beyond}`);
    return { unit, channels };
  });
}

/**
 * State-dict keys of everything a unit's neurons own that training moves: W, conv bias if any, γ, β (docs/methods.md
 * §1.1).
 */
export function ownedKeys(unit: ConvUnit): string[] {
  const keys = [`${unit.id}.weight`, `${unit.bn}.weight`, `${unit.bn}.bias`];
  if (unit.bias) keys.splice(1, 0, `${unit.id}.bias`);
  return keys;
}

/**
 * A copy of the weights in which the given neurons are dead: filter row, conv bias, γ and β are 0, so the unit's
 * output is exactly 0 (docs/methods.md §6.3, §11.1; γ = β = 0 alone would do, the row is cleared so that nothing of
 * the neuron is left). Batch-norm buffers and the given state stay as they are.
 *
 * @throws Error on a neuron that the network lacks.
 */
export function maskNeurons(network: Network, state: StateDict, neurons: NeuronSet): StateDict {
  const masked = cloneState(state);
  for (const { unit, channels } of unitsOf(network, neurons)) {
    for (const key of ownedKeys(unit)) {
      const { data } = tensorOf(masked, key);
      const row = data.length / unit.out;
      for (const c of channels) data.fill(0, c * row, (c + 1) * row);
    }
  }
  return masked;
}
