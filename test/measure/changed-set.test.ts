import { expect, it } from "vitest";
import { stateShapes } from "../../src/graph/network.ts";
import { changedSet } from "../../src/measure/changed-set.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";

const network = buildNetwork("resnet18w4", 10);
const G = { conv1: [1, 3], "layer2.0.shortcut.0": [5] };

it("is θ_G for a plain defect, and θ_G with every batch norm's vectors for a discreet one", () => {
  const plain = changedSet(network, G, "plain");
  expect(plain).toEqual({
    "conv1.weight": [1, 3],
    "bn1.weight": [1, 3],
    "bn1.bias": [1, 3],
    "layer2.0.shortcut.0.weight": [5],
    "layer2.0.shortcut.1.weight": [5],
    "layer2.0.shortcut.1.bias": [5],
  });
  const discreet = changedSet(network, G, "discreet");
  for (const [key, shape] of stateShapes(network)) {
    const isBatchNorm = /\.running_(mean|var)$/.test(key) || /(bn\d|shortcut\.1)\.(weight|bias)$/.test(key);
    const all = Array.from({ length: shape[0] }, (_, c) => c);
    expect(discreet[key], key).toEqual(isBatchNorm ? all : plain[key]);
  }
});
