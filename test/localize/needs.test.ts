import { describe, expect, it } from "vitest";
import type { Network } from "../../src/graph/network.ts";
import { NEEDS, type Need, unmetNeed } from "../../src/localize/needs.ts";
import { CRITERIA } from "../../src/localize/registry.ts";
import { applicable, assertApplicable } from "../../src/pipeline/judging/applicable.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { classification } from "../../src/tasks/classification/task.ts";
import { lanes } from "../../src/tasks/lanes/task.ts";
import { language } from "../../src/tasks/language/task.ts";
import type { Task } from "../../src/tasks/task.ts";
import { DECODERS } from "../graph/decoders.ts";

const full = buildNetwork("resnet18w8", 10);

/** Logits of pixels' means: no layer of neurons. */
const flat: Network = {
  ...{ arch: "flat", input: full.input, classes: 10 },
  nodes: [
    { op: "input", id: "input" },
    { op: "globalpool", id: "pool", input: "input" },
    { op: "linear", id: "fc", input: "pool", out: 10 },
  ],
};

/** The same network where nothing is normalised. */
const plain: Network = {
  ...full,
  nodes: full.nodes.map((node) => (node.op === "conv" ? { ...node, op: "plainconv" } : node)),
};

describe("what criteria need", () => {
  it("is met by every architecture of ours", () => {
    for (const arch of ["resnet18w8", "vgg13w8", "vgg16w8", "googlenetw8"]) {
      expect(applicable([...CRITERIA.values()], buildNetwork(arch, 10), classification)).toEqual([
        ...CRITERIA.values(),
      ]);
    }
  });

  it("is missing where a network lacks it", () => {
    const lacks = (network: Network, task: Pick<Task, "traits"> = classification) =>
      (Object.keys(NEEDS) as Need[]).filter((need) => unmetNeed({ needs: [need] }, network, task) !== null);
    expect(lacks(full)).toEqual([]);
    expect(lacks(flat)).toEqual([
      "batch-norm",
      "norm-or-hidden",
      "norm-or-feed-forward",
      "convolution",
      "patch-or-words",
    ]);
    expect(lacks(plain)).toEqual(["batch-norm", "norm-or-hidden", "norm-or-feed-forward", "patch-or-words"]);
    expect(lacks({ ...full, classes: 1 })).toEqual(["classes", "targets", "patch-or-words", "reversible"]);
    const flatInput = { channels: 30, height: 1, width: 1 };
    expect(lacks({ ...full, input: flatInput })).toEqual(["pixels", "patch-or-words", "reversible"]);
    expect(lacks(full, { traits: ["pixels"] })).toEqual([
      "classes",
      "targets",
      "files",
      "patch-or-words",
      "reversible",
    ]);
    expect(lacks(full, { traits: [] })).toEqual([
      ...["classes", "targets", "pixels", "files", "patch-or-words", "reversible"],
    ]);
    expect(lacks(full, { traits: ["pixels", "goals"] })).toEqual(["classes", "files", "patch-or-words"]);
    expect(lacks(full, { traits: ["words"] })).toEqual(["classes", "targets", "pixels", "files", "patch-or-words"]);
    const decoder = DECODERS["GPT-2"];
    for (const task of [language, lanes]) expect(unmetNeed({ needs: ["files"] }, decoder, task)).toBeNull();
    expect(unmetNeed({ needs: ["patch-or-words"] }, decoder, { traits: ["words"] })).toBeNull();
    expect(unmetNeed({ needs: ["patch-or-words"] }, decoder, { traits: [] })).toBe("patch-or-words");
  });

  it("leaves a criterion out of all, and refuses it by name in one line", () => {
    const names = applicable([...CRITERIA.values()], flat, classification).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["random", "weight-norm", "contribution-low"]));
    for (const name of ["clp", "bnp", "anp"]) expect(names).not.toContain(name);
    expect(() => assertApplicable([CRITERIA.get("weight-norm")!], flat, classification, "x")).not.toThrow();
    expect(() => assertApplicable([CRITERIA.get("clp")!], flat, classification, "suspect.pth")).toThrow(
      "--criterion clp: needs a batch norm behind every layer of neurons but hidden linear ones before the outputs, or feed-forward layers behind norms, which flat (suspect.pth) lacks",
    );
  });
});
