import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { initialState } from "../../src/graph/initial-state.ts";
import { convUnits, countParameters, inferShapes, neuronLayers, stateShapes } from "../../src/graph/network.ts";
import { cutPoints } from "../../src/graph/suffix.ts";
import { ARCHITECTURES, buildNetwork, parseArch } from "../../src/tasks/registry.ts";

describe("architectures as published", () => {
  it.each([
    ["resnet18", [11_173_962, 11_220_132, 11_190_891], 20, 4800],
    ["vgg13", [9_416_010, 9_462_180, 9_432_939], 10, 2944],
    ["vgg16", [14_728_266, 14_774_436, 14_745_195], 13, 4224],
    ["googlenet", [6_166_250, 6_258_500, 6_200_075], 64, 7904],
  ])("%s: parameters for 10, 100 and 43 classes, conv units, neurons", (arch, parameters, units, neurons) => {
    expect([10, 100, 43].map((classes) => countParameters(buildNetwork(arch, classes)))).toEqual(parameters);
    const network = buildNetwork(arch, 10);
    expect(convUnits(network)).toHaveLength(units);
    expect(neuronLayers(network).reduce((sum, { width }) => sum + width, 0)).toBe(neurons);
  });

  it("VGG's layers carry their positions in the sequence, and pool down to 1×1", () => {
    const positions = (arch: string) =>
      convUnits(buildNetwork(arch, 10)).map(({ id, bn }) => [id, bn].map((name) => Number(name.split(".")[1])));
    const withNorms = (...at: number[]) => at.map((i) => [i, i + 1]);
    expect(positions("vgg13")).toEqual(withNorms(0, 3, 7, 10, 14, 17, 21, 24, 28, 31));
    expect(positions("vgg16")).toEqual(withNorms(0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40));
    for (const [arch, pools] of [
      ["vgg13", [6, 13, 20, 27, 34]],
      ["vgg16", [6, 13, 23, 33, 43]],
    ] as const) {
      const network = buildNetwork(arch, 10);
      const ids = network.nodes.filter(({ op }) => op === "maxpool").map(({ id }) => id);
      expect(ids).toEqual(pools.map((i) => `features.${i}`));
      expect(inferShapes(network).get(ids[4])).toEqual([512, 1, 1]);
    }
    expect([...stateShapes(buildNetwork("vgg16", 43))].at(-2)).toEqual(["classifier.weight", [43, 512]]);
  });

  it("GoogLeNet's blocks: names, widths, parameters and resolutions", () => {
    const network = buildNetwork("googlenet", 10);
    const shapes = inferShapes(network);
    const sizes = [...stateShapes(network)];
    const found = Object.fromEntries(
      ["a3", "b3", "a4", "b4", "c4", "d4", "e4", "a5", "b5"].map((name) => [
        name,
        [
          shapes.get(name)!,
          sizes
            .filter(([key]) => key.startsWith(`${name}.`) && !/running_/.test(key))
            .reduce((sum, [, shape]) => sum + shape.reduce((product, n) => product * n, 1), 0),
        ],
      ]),
    );
    expect(found).toEqual({
      a3: [[256, 32, 32], 165_552],
      b3: [[480, 32, 32], 424_096],
      a4: [[512, 16, 16], 386_016],
      b4: [[512, 16, 16], 462_936],
      c4: [[512, 16, 16], 523_912],
      d4: [[528, 16, 16], 611_072],
      e4: [[832, 16, 16], 952_704],
      a5: [[832, 8, 8], 1_127_808],
      b5: [[1024, 8, 8], 1_496_144],
    });
    const ofBlock = convUnits(network).filter(({ id }) => id.startsWith("a4."));
    expect(ofBlock.map(({ id, bn }) => [id, bn])).toEqual([
      ["a4.b1.0", "a4.b1.1"],
      ["a4.b2.0", "a4.b2.1"],
      ["a4.b2.3", "a4.b2.4"],
      ["a4.b3.0", "a4.b3.1"],
      ["a4.b3.3", "a4.b3.4"],
      ["a4.b3.6", "a4.b3.7"],
      ["a4.b4.1", "a4.b4.2"],
    ]);
    // The network can be cut after each block, not inside one.
    expect(cutPoints(network).filter((id) => id.includes("."))).toEqual(["pre_layers.0", "b3.maxpool", "e4.maxpool"]);
    expect(cutPoints(network)).toContain("c4");
  });
});

/** Families take a base width behind their name; others have their sizes in it. */
const isFamily = (name: string) => /^[a-z]+\d*$/.test(name);

describe("base widths", () => {
  it.each([...ARCHITECTURES.keys()].filter((name) => !isFamily(name)))("%s has no width but its name's", (name) => {
    const network = buildNetwork(name, 4);
    expect(network.arch).toBe(name);
    expect(inferShapes(network).size).toBe(network.nodes.length);
    expect(() => parseArch(`${name}w8`)).toThrow(
      new RegExp(`unknown architecture '${name}w8' .did you mean '${name}'`),
    );
  });

  it.each([...ARCHITECTURES.keys()].filter(isFamily))("%s has its name and a valid network at any width", (family) => {
    for (const width of [4, 6, 12, 16, 128]) {
      const network = buildNetwork(`${family}w${width}`, 43);
      expect(network.arch).toBe(`${family}w${width}`);
      expect(parseArch(network.arch)).toEqual({ family, baseWidth: width });
      expect(inferShapes(network).size).toBe(network.nodes.length);
      const state = initialState(network, new Random(1));
      expect([...state.keys()]).toEqual([...stateShapes(network).keys()]);
    }
    expect(parseArch(family)).toEqual({ family, baseWidth: 64 });
    expect(() => parseArch(`${family}w64`)).toThrow(/full width \(64\) is plain/);
    expect(() => parseArch(`${family}w3`)).toThrow(/4 to 256/);
  });

  it("GoogLeNet's channels scale with the base width, rounded, at least one", () => {
    const widths = (arch: string) => neuronLayers(buildNetwork(arch, 10)).map(({ width }) => width);
    const full = widths("googlenet");
    expect(widths("googlenetw16")).toEqual(full.map((width) => Math.max(1, Math.round(width / 4))));
    expect(widths("googlenetw4").slice(0, 8)).toEqual([12, 4, 6, 8, 1, 2, 2, 2]);
  });

  it("refuses other names", () => {
    for (const name of ["vgg", "vgg11", "googlenet16", "googlenetw", "w16", "vgg13w16w8", ""]) {
      expect(() => parseArch(name), name).toThrow(/unknown architecture .*valid: resnet18, vgg13, vgg16, googlenet/);
    }
  });
});
