import { expect, it } from "vitest";
import { countParameters, neuronLayers, stateShapes, unitsOf } from "../../src/graph/network.ts";
import { ownedValues, sliceOf } from "../../src/graph/units.ts";
import { maskNeurons } from "../../src/measure/mask.ts";
import { ARCHITECTURES } from "../../src/tasks/classification/models/registry.ts";
import { changedRows } from "../../src/tensor/changes.ts";
import { readSlice } from "../../src/tensor/slices.ts";
import { randomState } from "./programs.ts";
import { NETWORKS, network } from "./small-networks.ts";

it("a normalised convolution's neuron owns its filter, bias, gain and shift, and its statistics go with it", () => {
  const unit = unitsOf(network(NETWORKS["3×3 convolutions with and without bias, max-pool"]))[1];
  expect(unit).toMatchObject({ id: "b", width: 32 });
  expect(unit.owned.map((share) => sliceOf(share, 3))).toEqual(
    ["b.weight", "b.bias", "bn.b.weight", "bn.b.bias"].map((key) => ({ key, axis: 0, index: 3 })),
  );
  expect(unit.statistics.map(({ key }) => key)).toEqual(["bn.b.running_mean", "bn.b.running_var"]);
});

it.each([...ARCHITECTURES])("the neurons of %s own every parameter but the classifier's, each once", (_, make) => {
  const net = make(8, 10);
  const units = unitsOf(net);
  expect(units.map(({ id, width }) => ({ name: id, width }))).toEqual(neuronLayers(net));
  const shapes = stateShapes(net);
  const keys = units.flatMap(({ owned, statistics }) => [...owned, ...statistics].map(({ key }) => key));
  expect(new Set(keys).size).toBe(keys.length);
  const head = [...shapes.keys()].filter((key) => !keys.includes(key));
  expect(head).toHaveLength(2);
  const owned = units.reduce((sum, unit) => sum + unit.width * ownedValues(shapes, unit), 0);
  const classifier = head.reduce((sum, key) => sum + shapes.get(key)!.reduce((a, b) => a * b, 1), 0);
  expect(owned + classifier).toBe(countParameters(net));
});

it("a hidden dense unit owns its row, its bias and the column that the next linear layer reads it with", () => {
  const net = network(NETWORKS["convolutions without batch norm, average pool, two dense layers"]);
  const units = unitsOf(net);
  expect(units.map(({ id, width, relu }) => [id, width, relu])).toEqual([
    ["a", 16, true],
    ["c", 20, true],
    ["h", 24, true],
    ["i", 16, true],
  ]);
  expect(units[2].owned.map((share) => sliceOf(share, 5))).toEqual([
    { key: "h.weight", axis: 0, index: 5 },
    { key: "h.bias", axis: 0, index: 5 },
    { key: "i.weight", axis: 1, index: 5 },
  ]);
  expect(ownedValues(stateShapes(net), units[3])).toBe(24 + 1 + 5);
  const state = randomState(net, 1);
  const masked = maskNeurons(net, state, { i: [2] });
  const column = Array.from({ length: 5 }, (_, k) => masked.get("fc.weight")!.data[16 * k + 2]);
  expect([...readSlice(masked, { key: "i.weight", axis: 0, index: 2 }), ...column].every((v) => v === 0)).toBe(true);
  expect(changedRows(state, masked)["i.weight"]).toEqual([2]);
});

it("a convolution without batch norm and without ReLU is no layer of neurons", () => {
  const [name] = Object.keys(NETWORKS).filter((known) => known.includes("rectangular"));
  expect(unitsOf(network(NETWORKS[name])).map(({ id }) => id)).toEqual(["a", "c", "d", "e", "h"]);
});
