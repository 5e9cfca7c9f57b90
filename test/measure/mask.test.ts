import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { stateShapes } from "../../src/graph/network.ts";
import { maskNeurons } from "../../src/measure/mask.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { type StateDict, sizeOf } from "../../src/tensor/state.ts";

const network = buildNetwork("resnet18w4", 10);

function randomState(seed: number): StateDict {
  const random = new Random(seed);
  return new Map(
    [...stateShapes(network)].map(([key, shape]) => [
      key,
      { shape, data: Float32Array.from({ length: sizeOf(shape) }, () => random.normal()) },
    ]),
  );
}

describe("maskNeurons", () => {
  it("zeroes filter row, gamma and beta of the neurons and nothing else, in a copy", () => {
    const state = randomState(1);
    const kept = randomState(1);
    const masked = maskNeurons(network, state, { conv1: [0, 3], "layer2.0.shortcut.0": [5] });
    expect(state).toEqual(kept);
    const zeroed: Record<string, number[]> = {
      "conv1.weight": [0, 3],
      "bn1.weight": [0, 3],
      "bn1.bias": [0, 3],
      "layer2.0.shortcut.0.weight": [5],
      "layer2.0.shortcut.1.weight": [5],
      "layer2.0.shortcut.1.bias": [5],
    };
    for (const [key, { shape, data }] of masked) {
      const row = data.length / shape[0];
      const original = state.get(key)!.data;
      for (let i = 0; i < data.length; i++) {
        const dead = zeroed[key]?.includes(Math.floor(i / row)) ?? false;
        if (data[i] !== (dead ? 0 : original[i])) throw new Error(`${key}[${i}]`);
      }
    }
  });

  it("names an unknown layer or channel", () => {
    const state = randomState(2);
    expect(() => maskNeurons(network, state, { nowhere: [0] })).toThrow("no layer 'nowhere'");
    expect(() => maskNeurons(network, state, { conv1: [4] })).toThrow("'conv1' has no neuron 4");
  });
});
