import type { NeuronSet } from "../core/neurons.ts";
import { Random, stageSeed } from "../core/random.ts";
import type { Network } from "../graph/network.ts";
import { chosenUnits, type Role, sliceOf } from "../graph/units.ts";
import { readSlice, writeSlice } from "../tensor/slices.ts";
import { cloneState, type StateDict } from "../tensor/state.ts";

/**
 * The `drift` control (docs/methods.md §8.2): a copy of the clean model in which every infected neuron is moved as far
 * as in the defect, tensor by tensor (same L2 norm of the change of its filter row, conv bias, γ, β and buffers), but
 * in a random direction. All else is the clean model's, bit for bit. Whatever a criterion finds here is the size of the
 * change and not the backdoor.
 *
 * With `restrained` (style `discreet`) the control is bound as the defect was: filters move on the sphere of their
 * norm, and γ, which may not grow, moves towards and past 0.
 *
 * Each neuron's tensor draws from a stream of its own, so that the result does not depend on which others moved.
 */
export function driftModel(
  network: Network,
  clean: StateDict,
  infected: StateDict,
  infectedNeurons: NeuronSet,
  seed: number,
  restrained = false,
): StateDict {
  const drifted = cloneState(clean);
  for (const { unit, neurons } of chosenUnits(network, infectedNeurons)) {
    for (const share of [...unit.owned, ...unit.statistics]) {
      for (const n of neurons) {
        const slice = sliceOf(share, n);
        const part = readSlice(drifted, slice);
        const distance = distanceBetween(part, readSlice(infected, slice));
        if (distance === 0) continue;
        // A row and a column of one tensor draw apart.
        const place = share.axis === 0 ? [] : [`axis ${share.axis}`];
        const random = new Random(stageSeed(seed, "drift", share.key, n, ...place));
        if (part.length > 1 && restrained) turnRandomly(part, distance, random);
        else if (part.length > 1) moveRandomly(part, distance, random);
        else if (restrained && share.role === "gain") part[0] -= distance * (Math.sign(part[0]) || 1);
        else part[0] += distance * (mayFall(share.role, part[0], distance) && random.uniform() < 0.5 ? -1 : 1);
        writeSlice(drifted, slice, part);
      }
    }
  }
  return drifted;
}

/** Whether a single value may move down: a variance must stay positive. */
function mayFall(role: Role, value: number, distance: number): boolean {
  return role !== "variance" || value > distance;
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

/**
 * Turns a vector in a uniformly random direction until it is `distance` from where it was: a chord of the sphere of its
 * norm r, `v cos θ + r·u sin θ` with u ⊥ v a unit vector and `2r sin(θ/2)` the distance (at most the diameter).
 */
function turnRandomly(values: Float32Array, distance: number, random: Random): void {
  const length = (vector: Float64Array) => Math.sqrt(vector.reduce((sum, v) => sum + v * v, 0));
  const start = Float64Array.from(values);
  const radius = length(start);
  if (radius === 0) return;
  const direction = Float64Array.from(values, () => random.normal());
  const along = direction.reduce((sum, v, i) => sum + v * start[i], 0) / radius ** 2;
  for (let i = 0; i < direction.length; i++) direction[i] -= along * start[i];
  const side = length(direction);
  const angle = 2 * Math.asin(Math.min(1, distance / (2 * radius)));
  for (let i = 0; i < values.length; i++) {
    values[i] = Math.cos(angle) * start[i] + (radius * Math.sin(angle) * direction[i]) / side;
  }
}
