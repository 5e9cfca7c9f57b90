import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stateShapes } from "../../src/graph/network.ts";
import type { ShapedTensors } from "../../src/tasks/classification/models/recognition/namings.ts";
import { fittingNetwork, recognise, type Said } from "../../src/tasks/classification/models/recognition/recognise.ts";
import { ARCHITECTURES, buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { LONG } from "../setup/long.ts";

type Shapes = Map<string, { shape: number[] }>;

const shapesOf = (arch: string, classes = 10): Shapes =>
  new Map([...stateShapes(buildNetwork(arch, classes))].map(([name, shape]) => [name, { shape }]));
const renamed = (shapes: Shapes, rename: (name: string) => string): Shapes =>
  new Map([...shapes].map(([name, part]) => [rename(name), part]));
const together = (...parts: Shapes[]): Shapes => new Map(parts.flatMap((part) => [...part]));
const vector = (name: string, ...shape: number[]): Shapes => new Map([[name, { shape }]]);

const resnet = shapesOf("resnet18w8");
const torchvision = (name: string) => name.replace("shortcut", "downsample").replace(/^linear\./, "fc.");
const behind = (prefix: string) => (name: string) => prefix + name;
/** Each rename of the body, with the classifier outside it. */
const body = (prefix: string, classifier: string) => (name: string) =>
  name.startsWith("linear.") ? name.replace("linear", classifier) : prefix + torchvision(name);
const IN_BLOCK: Record<string, string> = { conv1: "0", bn1: "1", conv2: "3", bn2: "4" };
const inBlocks = (name: string) =>
  name
    .replace(/^conv1\./, "conv1.0.")
    .replace(/^bn1\./, "conv1.1.")
    .replace(/^layer(\d)\./, (_, stage) => `conv${Number(stage) + 1}_x.`)
    .replace(/(_x\.\d)\.((conv|bn)[12])\./, (_, block, part) => `${block}.residual_function.${IN_BLOCK[part]}.`)
    .replace(/^linear\./, "fc.");

function found(shapes: ShapedTensors, said?: Said) {
  const result = recognise(shapes, said);
  if ("why" in result) return result.why;
  const { network, key, others, left } = result;
  return { arch: network.arch, classes: network.classes, key, others, left };
}
type Found = { arch: string; classes: number; key: string; others: string[]; left: string[] };
const RESNET: Found = { arch: "resnet18w8", classes: 10, key: "", others: [], left: [] };

describe("a network is recognised by names and shapes", () => {
  const sizes = fc.record({
    family: fc.constantFrom(...ARCHITECTURES.keys()),
    width: fc.integer({ min: 4, max: 80 }),
    classes: fc.integer({ min: 2, max: 200 }),
    prefix: fc.constantFrom("", "module.", "model.backbone.", "_orig_mod.module.", "1."),
  });

  it("of every family, width, number of classes, prefix and order of its names", () => {
    fc.assert(
      fc.property(sizes, fc.infiniteStream(fc.nat()), ({ family, width, classes, prefix }, ranks) => {
        const arch = width === 64 ? family : `${family}w${width}`;
        const shapes = renamed(shapesOf(arch, classes), behind(prefix));
        const shuffled = new Map(
          [...shapes]
            .map((entry) => ({ entry, at: ranks.next().value }))
            .sort((a, b) => a.at - b.at)
            .map(({ entry }) => entry),
        );
        expect(found(shuffled)).toEqual({ arch, classes, key: prefix.replace(/\.$/, ""), others: [], left: [] });
        const result = recognise(shuffled);
        if ("why" in result) throw new Error(result.why);
        expect([...result.names].map(([ours, theirs]) => [prefix + ours, theirs])).toEqual(
          [...shuffled.keys()].map((name) => [name, name]),
        );
        expect(fittingNetwork(shuffled)?.arch).toBe(prefix === "" ? arch : undefined);
      }),
      { numRuns: LONG ? 40 : 10 },
    );
  });

  it.each<[string, Shapes, Partial<Found>]>([
    ["torchvision's", renamed(resnet, torchvision), {}],
    ["a backbone's beside its classifier's", renamed(resnet, body("backbone.", "fc")), { key: "backbone" }],
    ["one within many wrappers", renamed(resnet, behind("a.b.c.d.e.f.g.h.i.")), { key: "a.b.c.d.e.f.g.h.i" }],
    ["one within 60 wrappers", renamed(resnet, behind("a.".repeat(60))), { key: Array(60).fill("a").join(".") }],
    ["an encoder's within a model", renamed(resnet, body("model.encoder.", "model.head")), { key: "model.encoder" }],
    ["blocks written as one Sequential", renamed(resnet, inBlocks), {}],
    [
      "a Sequential of its input's norm and it",
      together(vector("0.mean", 3, 1, 1), vector("0.std", 3, 1, 1), renamed(resnet, behind("1."))),
      { key: "1", left: ["0.mean", "0.std"] },
    ],
    ["a norm of its input's within", together(resnet, vector("normalize.mean", 3)), { left: ["normalize.mean"] }],
    [
      "Lightning's, beside a loss's",
      together(vector("criterion.weight", 10), renamed(resnet, behind("model."))),
      { key: "model", left: ["criterion.weight"] },
    ],
    [
      "a running average's",
      together(vector("n_averaged"), renamed(resnet, behind("module."))),
      { key: "module", left: ["n_averaged"] },
    ],
  ])("under %s names", (_, shapes, wanted) => {
    expect(found(shapes)).toEqual({ ...RESNET, ...wanted });
    expect(found(new Map([...shapes].reverse()))).toEqual({ ...RESNET, ...wanted });
  });

  it("as nn.Sequential(*children()) numbers its parts", () => {
    for (const [family, numbers] of [
      ["resnet18", [0, 1, 4, 5, 6, 7, 9]],
      ["vgg13", [0, 2]],
    ] as const) {
      const shapes = shapesOf(`${family}w8`);
      const parts = [...new Set([...shapes.keys()].map((name) => name.split(".")[0]))];
      const numbered = renamed(shapes, (name) => name.replace(/^[^.]+/, (part) => `${numbers[parts.indexOf(part)]}`));
      expect(found(numbered)).toMatchObject({ arch: `${family}w8`, left: [] });
    }
  });
});

describe("of several networks in one file", () => {
  const [model, ema, second] = ["model.", "ema_model.", "victim."].map((prefix) => renamed(resnet, behind(prefix)));

  it("averages give way, and --key takes them", () => {
    for (const both of [together(model, ema), together(ema, model)]) {
      expect(found(both)).toMatchObject({ key: "model", others: ["ema_model"] });
      expect(found(both, { part: "ema_model." })).toMatchObject({ key: "ema_model", others: [] });
    }
    expect(found(ema)).toMatchObject({ key: "ema_model", others: [] });
  });

  it("none is taken by luck", () => {
    for (const both of [together(model, second), together(second, model)]) {
      expect(recognise(both, { within: "state_dict" })).toEqual({
        why: "holds several networks; choose one with --key: state_dict.model, state_dict.victim",
        isAmbiguous: true,
      });
    }
  });

  it("a classifier outside belongs to the nearest", () => {
    const two = together(
      renamed(resnet, body("net.backbone.", "net.fc")),
      renamed(resnet, body("ema.backbone.", "ema.fc")),
    );
    expect(found(two)).toMatchObject({ key: "net.backbone", others: ["ema.backbone"] });
    const heads = together(renamed(resnet, body("backbone.", "head.0")), vector("head.2.weight", 10, 10));
    expect(found(heads)).toBe("fits no architecture; the nearest is resnet18w8: it lacks 'backbone.linear.weight'");
  });
});

describe("where nothing fits, the nearest architecture's difference is told", () => {
  const without = (name: string) => new Map([...resnet].filter(([key]) => key !== name));

  it.each<[string, Shapes, string]>([
    ["a missing name", renamed(without("bn1.bias"), behind("net.")), "it lacks 'net.bn1.bias'"],
    ["a further one", together(resnet, vector("layer1.0.se.weight", 8, 8, 1, 1)), "it has 'layer1.0.se.weight' too"],
    [
      "another shape",
      together(resnet, vector("conv1.weight", 8, 3, 7, 7)),
      "'conv1.weight' is [8, 3, 7, 7], not [8, 3, 3, 3]",
    ],
    [
      "a transposed classifier",
      together(resnet, vector("linear.weight", 64, 10)),
      "'linear.weight' is [64, 10], not [10, 64]",
    ],
  ])("%s", (_, shapes, difference) => {
    const text = `fits no architecture; the nearest is resnet18w8: ${difference}`;
    expect(found(shapes)).toBe(text);
    expect(found(new Map([...shapes].reverse()))).toBe(text);
  });

  it("or that no name is alike, or that it is not what its owner says", () => {
    expect(found(vector("a.weight", 3, 3))).toBe(
      "fits no architecture (resnet18, vgg13, vgg16, googlenet): no name is alike",
    );
    const deep = renamed(resnet, behind("a.".repeat(70)));
    expect(found(deep)).toMatch(/no name is alike within 64 levels; name with --key what all names .* begin with$/);
    expect(found(deep, { part: "a.".repeat(70) })).toMatchObject({ arch: "resnet18w8" });
    expect(found(resnet, { arch: "vgg13w8" })).toMatch(
      /^is no vgg13w8: it lacks 'features\.0\.weight'|no name is alike/,
    );
    expect(found(resnet, { arch: "resnet18w16" })).toBe(
      "is no resnet18w16: 'conv1.weight' is [8, 3, 3, 3], not [16, 3, 3, 3]",
    );
    expect(() => recognise(resnet, { arch: "alexnet" })).toThrow(/unknown architecture 'alexnet'/);
  });

  it("or that its names are too many or too long to be compared", () => {
    const many = (count: number, length: number): Shapes =>
      new Map(Array.from({ length: count }, (_, i) => [`${"a.".repeat(length / 2)}${i}`, { shape: [1] }]));
    expect(found(many(10_001, 2))).toBe("has 10001 tensors, more than any architecture");
    expect(found(many(1000, 2000))).toMatch(/^has names of 2\d{6} characters together, more than any architecture$/);
  });
});
