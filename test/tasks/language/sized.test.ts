import fc from "fast-check";
import { expect, it } from "vitest";
import { stateShapes } from "../../../src/graph/network.ts";
import { type Sizes, sizedName, sizedNetwork } from "../../../src/tasks/language/models/sized.ts";
import { buildNetwork, parseArch, taskOfArchitecture } from "../../../src/tasks/registry.ts";
import { GPT2, LLAMA, NETWORKS } from "./hugging-face.ts";

it("names state what networks are made of, and nothing that is usual", () => {
  expect(sizedName({ layout: "llama", shape: LLAMA, positions: 2048 })).toBe("llama3d24h4g2f40v2056");
  const untied = { ...LLAMA, headSize: 10, epsilon: 1e-6, theta: 500_000, tied: false };
  expect(sizedName({ layout: "llama", shape: untied, positions: 32 })).toBe("llama3d24h4g2k10f40v2056p32e6t500000u");
  expect(sizedName({ layout: "gpt2", shape: GPT2, positions: 1024 })).toBe("gpt2l2d24h4f96v2056p1024");
  expect(sizedName({ layout: "llama", shape: { ...LLAMA, epsilon: 3e-5 }, positions: 64 })).toBeNull();
});

it.each([
  ["llama", "llama3d24h4g2f40v2056"],
  ["gpt2", "gpt2l2d24h4f96v2056p64"],
] as const)("a network of %s' layout comes back from its name, with the weights of its folder", (layout, name) => {
  const network = buildNetwork(name, 99);
  expect(network.arch).toBe(name);
  expect(network.input.height).toBe(64);
  expect([...stateShapes(network)]).toEqual([...stateShapes(NETWORKS[layout])]);
  expect(parseArch(name)).toEqual({ family: name, baseWidth: 64 });
  expect(taskOfArchitecture(name).name).toBe("language");
});

const size = (most: number) => fc.integer({ min: 1, max: most });

it("one name for each network, one network for each name", () => {
  const shapes = fc.record({
    ...{ layers: size(40), heads: size(16), half: size(32), shared: fc.constantFrom(1, 2), hidden: size(9000) },
    ...{
      vocabulary: size(200_000),
      power: fc.integer({ min: 1, max: 12 }),
      theta: size(1_000_000),
      tied: fc.boolean(),
    },
    ...{ positions: size(4096), layout: fc.constantFrom("llama", "gpt2") },
  });
  fc.assert(
    fc.property(
      shapes,
      ({ layers, heads, half, shared, hidden, vocabulary, power, theta, tied, positions, layout }) => {
        const groups = heads % shared === 0 ? heads / shared : heads;
        const width = heads * 2 * half;
        const common = { layers, width, heads, hidden, vocabulary, epsilon: Number(`1e-${power}`), tied };
        const sizes = (
          layout === "gpt2"
            ? { layout, shape: common, positions }
            : { layout, shape: { ...common, groups, theta }, positions }
        ) as Sizes;
        const name = sizedName(sizes)!;
        expect(name).toMatch(/^[a-z0-9]+$/);
        const network = sizedNetwork(name)!;
        expect(network.arch).toBe(name);
        expect(network.classes).toBe(vocabulary);
        expect(network.input.height).toBe(Math.min(64, positions));
        expect(network.nodes.find(({ op }) => op === "attention")).toMatchObject(
          layout === "gpt2" ? { heads, headSize: width / heads } : { heads, groups, rotary: theta },
        );
      },
    ),
  );
});

it.each([
  "llama2d64",
  "llama3d24h4g4f40v2056",
  "llama03d24h4f40v2056",
  "llama3d24h5f40v2056",
  "llama3d24h4g3f40v2056",
  "llama3d24h0f40v2056",
  "llama3d24h4f40v2056p64",
  "gpt2l2d24h4f96v2056",
  "gpt2l4d128",
  "resnet18",
])("'%s' names none, or is not how that one is named", (name) => {
  expect(sizedNetwork(name)).toBeUndefined();
});
