import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import {
  convUnits,
  countParameters,
  inferShapes,
  neuronLayers,
  stateShapes,
  unitsOf,
} from "../../../src/graph/network.ts";
import { fromReleased } from "../../../src/tasks/lanes/models/released.ts";
import { ufld18 } from "../../../src/tasks/lanes/models/ufld18.ts";
import type { StateDict } from "../../../src/tensor/state.ts";
import { randomState } from "../../graph/programs.ts";

describe("ufld18", () => {
  it("is the released network at width 64: parameters, resolutions, names", () => {
    const network = ufld18(64);
    expect(network).toMatchObject({ arch: "ufld18", input: { channels: 3, height: 288, width: 800 }, classes: 22_624 });
    expect(countParameters(network)).toBe(61_225_640);
    const shapes = stateShapes(network);
    const trunk = [...shapes].filter(([key]) => key.startsWith("model.") && !key.includes("running_"));
    expect(trunk.reduce((sum, [, shape]) => sum + shape.reduce((a, b) => a * b, 1), 0)).toBe(11_176_512);
    expect(shapes.get("model.conv1.weight")).toEqual([64, 3, 7, 7]);
    expect(shapes.get("model.layer4.0.downsample.0.weight")).toEqual([512, 256, 1, 1]);
    expect([...shapes].slice(-6)).toEqual([
      ["pool.weight", [8, 512, 1, 1]],
      ["pool.bias", [8]],
      ["cls.0.weight", [2048, 1800]],
      ["cls.0.bias", [2048]],
      ["cls.2.weight", [22_624, 2048]],
      ["cls.2.bias", [22_624]],
    ]);
    const sizes = inferShapes(network);
    expect(["model.conv1", "model.maxpool", "model.layer1.1", "model.layer4.1"].map((id) => sizes.get(id))).toEqual([
      [64, 144, 400],
      [64, 72, 200],
      [64, 72, 200],
      [512, 9, 25],
    ]);
  });

  it.each([
    [8, 1_777_632, 600, 256],
    [16, 3_898_216, 1200, 512],
  ])("is reduced at width %d", (width, parameters, channels, hidden) => {
    const network = ufld18(width);
    expect(network).toMatchObject({ arch: `ufld18w${width}`, input: { height: 72, width: 200 }, classes: 5712 });
    expect(countParameters(network)).toBe(parameters);
    expect(inferShapes(network).get("pool")).toEqual([8, 5, 13]);
    expect(convUnits(network)).toHaveLength(20);
    const layers = neuronLayers(network);
    expect(layers.slice(0, -1).reduce((sum, layer) => sum + layer.width, 0)).toBe(channels);
    expect(layers.at(-1)).toEqual({ name: "cls.0", width: hidden });
  });

  it("has a hidden unit own its row, its bias and its column of the logits' layer", () => {
    const hidden = unitsOf(ufld18(8)).at(-1)!;
    expect(hidden.owned.map(({ key, axis }) => [key, axis])).toEqual([
      ["cls.0.weight", 0],
      ["cls.0.bias", 0],
      ["cls.2.weight", 1],
    ]);
  });
});

describe("a released checkpoint", () => {
  const network = ufld18(4);
  const state = randomState(network, 1);
  const renamed = (prefix: string, from: StateDict = state): StateDict =>
    new Map([...from].map(([key, tensor]) => [prefix + key, tensor]));
  const scalar = { shape: [], data: new Float32Array(1) };

  it.each(["", "module.", "model.", "module.model."])(
    "is read behind '%s', its training's branch dropped",
    (prefix) => {
      const further: StateDict = new Map([
        ["aux_header2.0.weight", scalar],
        ["model.bn1.num_batches_tracked", scalar],
      ]);
      const read = fromReleased(renamed(prefix, new Map([...state, ...further])), network, "f.pth");
      expect([...read.keys()]).toEqual([...stateShapes(network).keys()]);
      for (const [key, tensor] of read) expect(tensor).toBe(state.get(key));
    },
  );

  it("says what does not fit", () => {
    const without = new Map(state);
    without.delete("cls.0.bias");
    const read = (tensors: StateDict) => () => fromReleased(tensors, network, "f.pth");
    expect(read(renamed("module.", without))).toThrow(new InputError("f.pth: lacks 'module.cls.0.bias' of ufld18w4"));
    expect(read(new Map([...state, ["head.weight", scalar]]))).toThrow(
      /^f\.pth: 'head\.weight' is no tensor of ufld18w4$/,
    );
    expect(read(new Map([...state, ["pool.bias", scalar]]))).toThrow(/'pool\.bias' is \[\], not \[8\] of ufld18w4$/);
    expect(read(new Map())).toThrow(/lacks 'model\.conv1\.weight'/);
  });
});
