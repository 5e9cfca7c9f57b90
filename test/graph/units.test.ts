import { expect, it } from "vitest";
import { countParameters, neuronLayers, stateShapes, unitsOf } from "../../src/graph/network.ts";
import { ownedValues, sliceOf } from "../../src/graph/units.ts";
import { ARCHITECTURES } from "../../src/models/registry.ts";
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
  const owned = units.reduce((sum, unit) => sum + unit.width * ownedValues(net, unit), 0);
  const classifier = head.reduce((sum, key) => sum + shapes.get(key)!.reduce((a, b) => a * b, 1), 0);
  expect(owned + classifier).toBe(countParameters(net));
});
