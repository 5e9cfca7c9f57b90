import { describe, expect, it } from "vitest";
import type { ReportData } from "../../src/report/collect.ts";
import { comparePairs, contestOf, LEAST_CLUSTERS, perCleanModel } from "../../src/report/comparison.ts";
import { criterionValues } from "../../src/report/headline.ts";
import { breakdown } from "../../src/report/sections/breakdown.ts";
import { comparison } from "../../src/report/sections/comparison.ts";
import { synthetic } from "./synthetic.ts";

/** Three criteria of which the first is best on every clean model; two further clean models change nothing. */
const criteria = {
  clp: () => 0.5,
  fp: (_: unknown, model: number) => 0.1 + 0.01 * model,
  anp: (_: unknown, model: number) => 0.15 + 0.005 * model,
};

describe("perCleanModel", () => {
  it("is one value per clean model, cells first", () => {
    const [clp] = criterionValues(
      synthetic({ models: 2, criteria: { clp: ({ level }, model) => (level === "large" ? 0.9 : 0.3) + 0.1 * model } }),
    );
    const values = clp.values.map(({ record, infected }) => ({ record, value: infected! }));
    const found = [...perCleanModel(values).values()];
    expect(found).toHaveLength(2);
    expect(found[0]).toBeCloseTo(0.5, 12);
    expect(found[1]).toBeCloseTo(0.6, 12);
  });
});

describe("comparePairs", () => {
  it("tests over clean models, however many defects each has", () => {
    const few = synthetic({ models: 6, levels: ["small"], attacks: ["badnets"], criteria });
    const many = synthetic({ models: 6, criteria });
    for (const data of [few, many]) {
      const pairs = comparePairs(criterionValues(data), "infected");
      expect(pairs.map(({ a, b }) => `${a} ${b}`)).toEqual(["clp fp", "clp anp", "fp anp"]);
      const [pair] = pairs;
      expect(pair).toMatchObject({ models: 6, defects: data.accepted.length });
      // All six agree: 2 of 2⁶ sign patterns; three pairs were tested.
      expect(pair.test).toMatchObject({ n: 6, effect: 1 });
      expect(pair.test!.p).toBeCloseTo(2 / 64, 12);
      expect(pair.adjusted).toBeCloseTo(6 / 64, 12);
    }
  });

  it("makes no test below six clean models", () => {
    const pairs = comparePairs(criterionValues(synthetic({ models: LEAST_CLUSTERS - 1, criteria })), "infected");
    for (const pair of pairs) expect(pair).toMatchObject({ models: 5, test: null, adjusted: null });
    expect(pairs[0].difference).toBeCloseTo(0.5 - 0.12, 12);
  });

  it("uses what both judged, and infected − sham where it is asked", () => {
    const data = synthetic({
      models: 8,
      criteria: { clp: () => 0.5, fp: (_, model) => (model < 2 ? null : 0.3) },
      shams: { clp: () => 0.4, fp: () => 0.1 },
    });
    const [infected] = comparePairs(criterionValues(data), "infected");
    expect(infected).toMatchObject({ models: 6, defects: 36 });
    expect(infected.difference).toBeCloseTo(0.2, 12);
    expect(comparePairs(criterionValues(data), "difference")[0].difference).toBeCloseTo(-0.1, 12);
  });
});

describe("contestOf", () => {
  it("tests the ranked criteria, and gives one letter to those that are not told apart", () => {
    const data = synthetic({ models: 9, criteria: { ...criteria, random: () => 0.02 } });
    const found = contestOf(data, "clean")!;
    // Baselines do not compete; fp is below anp on every clean model.
    expect(found).toMatchObject({ criteria: ["clp", "anp", "fp"], models: 9, defects: 54 });
    expect(found.test!.p).toBeLessThan(0.01);
    for (const { adjusted } of found.pairs) expect(adjusted).toBeCloseTo((3 * 2) / 512, 12);
    expect([...found.letters.values()]).toEqual(["a", "b", "c"]);
    const close = contestOf(
      synthetic({ models: 6, criteria: { clp: () => 0.5, fp: (_, m) => 0.49 + 0.02 * (m % 2) } }),
      "clean",
    )!;
    expect(close.test).toBeNull();
    expect(new Set(close.letters.values())).toEqual(new Set(["a"]));
  });

  it("leaves out who was judged on much fewer defects", () => {
    const slow = { ...criteria, nc: (_: unknown, model: number) => (model < 2 ? 0.9 : null) };
    expect(contestOf(synthetic({ models: 8, criteria: slow }), "clean")).toMatchObject({
      models: 8,
      criteria: ["clp", "anp", "fp"],
    });
  });

  it("is none where there is nothing to test: few clean models, or one criterion", () => {
    expect(contestOf(synthetic({ models: LEAST_CLUSTERS - 1, criteria }), "clean")).toBeNull();
    expect(contestOf(synthetic({ models: 9, criteria: { clp: () => 0.5 } }), "clean")).toBeNull();
    expect(contestOf(synthetic({ models: 9, criteria }), "failing")).toBeNull();
  });
});

describe("the sections", () => {
  const access = { deepmufl: "failing" };
  const data = synthetic({
    models: 7,
    criteria: { ...criteria, deepmufl: () => 0.95, random: () => 0.02, "weight-norm": () => 0.3 },
    access,
  }) as ReportData;

  it("keep criteria that see triggered samples, and baselines, out of the tests of the others", () => {
    const { table, body } = comparison(data, "clean")!;
    expect(table.rows.map(({ first, second }) => `${first} ${second}`)).toEqual(["clp anp", "clp fp", "anp fp"]);
    // In the order of the ranking no difference is negative.
    for (const row of table.rows) expect(row.difference).toBeGreaterThan(0);
    expect(body.text).toContain("Friedman's test over 3 criteria");
    expect(comparison(data, "failing")).toBeNull();
    expect(breakdown(data, "failing", []).map(({ name }) => name)).toContain("by-level-failing");
  });

  it("leave out what has nothing to compare", () => {
    const few = synthetic({ models: 1, levels: ["small"], criteria }) as ReportData;
    expect(comparison(few, "clean")).toBeNull();
    expect(breakdown(few, "clean", []).map(({ name }) => name)).toEqual(["by-attack"]);
  });

  it("put counts, clean models and acceptance beside every mean", () => {
    const byLevel = breakdown(data, "clean", ["clp"]).find(({ name }) => name === "by-level")!;
    const row = byLevel.rows.find(({ criterion, level }) => criterion === "clp" && level === "narrow")!;
    expect(row).toMatchObject({ cases: 14, pairs: 14, models: 7, accepted: 0.5 });
    expect(row.infected).toMatchObject({ value: 0.5 });
    expect(row.difference).toMatchObject({ value: 0.5 });
    expect(byLevel.rows.filter(({ criterion }) => criterion === "clp").map(({ level }) => level)).toEqual([
      "narrow",
      "small",
      "large",
    ]);
  });
});
