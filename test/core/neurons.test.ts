import { expect, it } from "vitest";
import { listNeurons, parseNeurons } from "../../src/core/neurons.ts";

it("neurons that are listed are read back, by layer and in ascending order", () => {
  expect(parseNeurons(["b:2", "a.0:7", "b:0"])).toEqual({ b: [0, 2], "a.0": [7] });
  expect(() => parseNeurons(["b"])).toThrow("bad neuron 'b': write layer:index");
});

it("a layer may be called as something that all objects have", () => {
  const names = ["constructor:1", "__proto__:0", "toString:2"];
  expect(listNeurons(parseNeurons(names))).toEqual(names);
});
