import { Random } from "../../src/core/random.ts";
import { type Network, stateShapes } from "../../src/graph/network.ts";
import { type StateDict, sizeOf } from "../../src/tensor/state.ts";

/** A seeded state with every value in a range that keeps activations lively: positive variances, γ of both signs. */
export function randomState(network: Network, seed: number): StateDict {
  const random = new Random(seed);
  const state: StateDict = new Map();
  for (const [key, shape] of stateShapes(network)) {
    const data = new Float32Array(sizeOf(shape));
    const fanIn = shape.length > 1 ? sizeOf(shape.slice(1)) : 1;
    for (let i = 0; i < data.length; i++) {
      if (key.endsWith("running_var")) data[i] = random.between(0.5, 1.5);
      else if (shape.length > 1) data[i] = random.normal() * Math.sqrt(2 / fanIn);
      else if (key.endsWith(".weight")) data[i] = random.between(0.5, 1.5);
      else data[i] = random.normal() * 0.2;
    }
    state.set(key, { shape, data });
  }
  return state;
}

export function randomArray(length: number, random: Random, scale = 1): Float32Array {
  return Float32Array.from({ length }, () => random.normal() * scale);
}

/** Largest difference relative to the largest magnitude. */
export function relativeError(actual: Float32Array, expected: Float32Array): number {
  let difference = 0;
  let magnitude = 1e-12;
  for (let i = 0; i < expected.length; i++) {
    difference = Math.max(difference, Math.abs(actual[i] - expected[i]));
    magnitude = Math.max(magnitude, Math.abs(expected[i]));
  }
  return actual.length === expected.length ? difference / magnitude : Number.POSITIVE_INFINITY;
}
