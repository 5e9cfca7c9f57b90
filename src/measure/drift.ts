import type { NeuronSet } from "../core/neurons.ts";
import { Random, stageSeed } from "../core/random.ts";
import type { Network } from "../graph/network.ts";
import { cloneState, type StateDict, tensorOf } from "../tensor/state.ts";
import { ownedKeys, unitsOf } from "./mask.ts";

/**
 * The `drift` control (METHODS §3.3): a copy of the clean model in which every infected neuron is moved as far as in
 * the defect, tensor by tensor (same L2 norm of the change of its filter row, conv bias, γ, β and buffers), but in a
 * random direction. All else is the clean model's, bit for bit. Whatever a criterion finds here is the size of the
 * change and not the backdoor.
 *
 * Each neuron's tensor draws from a stream of its own, so that the result does not depend on which others moved.
 */
export function driftModel(
  network: Network,
  clean: StateDict,
  infected: StateDict,
  infectedNeurons: NeuronSet,
  seed: number,
): StateDict {
  const drifted = cloneState(clean);
  for (const { unit, channels } of unitsOf(network, infectedNeurons)) {
    for (const key of [...ownedKeys(unit), `${unit.bn}.running_mean`, `${unit.bn}.running_var`]) {
      const { data } = tensorOf(drifted, key);
      const row = data.length / unit.out;
      const moved = tensorOf(infected, key).data;
      for (const c of channels) {
        const part = data.subarray(c * row, (c + 1) * row);
        const distance = distanceBetween(part, moved.subarray(c * row, (c + 1) * row));
        if (distance === 0) continue;
        const random = new Random(stageSeed(seed, "drift", key, c));
        if (row > 1) moveRandomly(part, distance, random);
        else part[0] += distance * (mayFall(key, part[0], distance) && random.uniform() < 0.5 ? -1 : 1);
      }
    }
  }
  return drifted;
}

/** Whether a single value may move down: a variance must stay positive. */
function mayFall(key: string, value: number, distance: number): boolean {
  return !key.endsWith(".running_var") || value > distance;
}

function distanceBetween(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return Math.sqrt(sum);
}

/** Adds a vector of the given length and uniformly random direction. */
function moveRandomly(values: Float32Array, distance: number, random: Random): void {
  const direction = Float64Array.from(values, () => random.normal());
  const scale = distance / Math.sqrt(direction.reduce((sum, v) => sum + v * v, 0));
  for (let i = 0; i < values.length; i++) values[i] += scale * direction[i];
}
