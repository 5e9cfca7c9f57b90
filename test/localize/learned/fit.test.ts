import { describe, expect, it } from "vitest";
import { Random } from "../../../src/core/random.ts";
import { fitVariants, type TrainingModel } from "../../../src/localize/learned/fit.ts";
import { topMean } from "../../../src/localize/learned/gate.ts";
import { variantWithout } from "../../../src/localize/learned/localizer.ts";
import { type LocalizerFile, localizerFile } from "../../../src/records/localizer.ts";
import { logOdds } from "../../../src/tune/logistic.ts";

const COLUMNS = 3;

/** A model of 40 neurons, of which the first five of an infected one stand out in `column`. */
function model(seed: number, version: TrainingModel["version"], clean: string, column = 0): TrainingModel {
  const random = new Random(seed);
  const rows = Float32Array.from({ length: 40 * COLUMNS }, () => random.normal());
  const labels = new Uint8Array(40);
  if (version === "infected") {
    for (let i = 0; i < 5; i++) {
      rows[i * COLUMNS + column] += 8;
      labels[i] = 1;
    }
  }
  const groups = { clean, attack: seed % 2 ? "a" : "b", arch: "net" };
  return { id: `${clean}-${seed}`, version, groups, rows, labels, weights: new Float64Array(40).fill(1) };
}

const pair = (seed: number, clean: string, column = 0) => [
  model(seed, "infected", clean, column),
  model(100 + seed, "sham", clean),
];

describe("fitVariants", () => {
  it("gives the one that saw all, and one for each group that leaves others to learn from", () => {
    const models = [...pair(1, "x"), ...pair(2, "y"), ...pair(3, "z")];
    const variants = fitVariants(models, ["clean", "attack", "arch"]);
    expect(variants.map(({ without }) => without && `${without.by} ${without.value}`)).toEqual([
      null,
      ...["clean x", "clean y", "clean z", "attack a", "attack b"],
      // There is but one architecture: nothing would be left.
    ]);
  });

  it("never sees what it leaves out", () => {
    // Only x's neurons stand out in column 2.
    const models = [...pair(1, "x", 2), ...pair(2, "y"), ...pair(3, "z")];
    const [all, withoutX] = fitVariants(models, ["clean"]);
    expect(all.weights[2]).toBeGreaterThan(0.5);
    const [ofOthers] = fitVariants(models.slice(2), []);
    expect({ ...withoutX, without: null }).toEqual(ofOthers);
    expect(withoutX.weights).not.toEqual(all.weights);
  });

  it("finds what it learned in a model that it never saw, and its gate parts infected from sham", () => {
    const models = [1, 2, 3, 4, 5, 6].flatMap((seed) => pair(seed, `c${seed}`));
    const [{ gate, ...variant }] = fitVariants(models, []);
    const [infected, sham] = pair(9, "new").map(({ rows }) => logOdds(variant, rows));
    const largest = Array.from(infected.keys()).sort((a, b) => infected[b] - infected[a]);
    expect(largest.slice(0, 5).sort()).toEqual([0, 1, 2, 3, 4]);
    expect(topMean(infected)).toBeGreaterThanOrEqual(gate);
    expect(topMean(sham)).toBeLessThan(gate);
  });
});

describe("a localizer's file", () => {
  const variants = fitVariants([...pair(1, "x"), ...pair(2, "y")], ["clean"]);
  const file: LocalizerFile = {
    ...{ kind: "localizer", edition: "test", training_sha256: "0".repeat(64), models: 4, neurons: 160, ridge: 1e-4 },
    ...{ features: ["a", "b", "c"], variants },
  };

  it("names a column for each weight", () => {
    expect(localizerFile.parse(JSON.parse(JSON.stringify(file)))).toEqual(file);
    expect(localizerFile.safeParse({ ...file, features: ["a", "b"] }).success).toBe(false);
  });

  it("gives the variant that never saw something, else the one that saw all", () => {
    expect(variantWithout(file, { by: "clean", value: "y" }).without).toEqual({ by: "clean", value: "y" });
    expect(variantWithout(file, { by: "clean", value: "elsewhere" }).without).toBe(null);
    expect(variantWithout(file, null).without).toBe(null);
  });
});
