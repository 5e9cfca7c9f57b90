import { describe, expect, it } from "vitest";
import { activationValues, multiplyAdds, stateValues } from "../../src/graph/cost.ts";
import type { Network } from "../../src/graph/network.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";

/** Two convolutions and a classifier, small enough to count by hand. */
const network: Network = {
  arch: "hand",
  input: { channels: 3, height: 8, width: 8 },
  classes: 5,
  nodes: [
    { op: "input", id: "input" },
    conv("a", "input", 4, 3, 1, 1),
    conv("b", "a", 6, 1, 2, 0),
    { op: "globalpool", id: "pool", input: "b" },
    { op: "linear", id: "fc", input: "pool", out: 5 },
  ],
};

function conv(id: string, input: string, out: number, kernel: number, stride: number, padding: number) {
  return { op: "conv" as const, id, bn: `${id}n`, input, out, kernel, stride, padding, bias: false, relu: true };
}

describe("the cost of a network", () => {
  it("counts multiply-adds, activations and stored values", () => {
    expect(multiplyAdds(network)).toBe(4 * 64 * 3 * 9 + 6 * 16 * 4 + 5 * 6);
    expect(activationValues(network)).toBe(3 * 64 + 4 * 64 + 6 * 16 + 6 + 5);
    expect(stateValues(network)).toBe(4 * 27 + 16 + 6 * 4 + 24 + 30 + 5);
  });

  it("gives ResNet-18 for 32×32 images its published 0.56 G multiply-adds", () => {
    expect(multiplyAdds(buildNetwork("resnet18", 10)) / 1e9).toBeCloseTo(0.56, 2);
  });
});
