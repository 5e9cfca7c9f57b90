import { describe, expect, it } from "vitest";
import { comparePairs, LEAST_CLUSTERS, perCleanModel, rankCriteria } from "../../src/report/comparison.ts";
import { criticalDifferenceSvg } from "../../src/report/figures/critical-difference.ts";
import { criterionValues } from "../../src/report/headline.ts";
import { breakdown } from "../../src/report/sections/breakdown.ts";
import { comparison } from "../../src/report/sections/comparison.ts";
import { synthetic } from "./synthetic.ts";

type ReportData = Parameters<typeof comparison>[0];

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

describe("rankCriteria", () => {
  it("ranks inside each clean model and joins what is not told apart", () => {
    const data = synthetic({ models: 9, criteria });
    const found = rankCriteria(criterionValues(data), "infected", 1, "x");
    expect(found).toMatchObject({ models: 9, defects: 54, leftOut: [] });
    // fp is above anp on none of the clean models 0 to 9 (0.1 + 0.01m > 0.15 + 0.005m only from 10 on; equal at 10).
    expect(found.ranks).toEqual([
      { criterion: "clp", rank: 1 },
      { criterion: "anp", rank: 2 },
      { criterion: "fp", rank: 3 },
    ]);
    expect(found.test!.p).toBeLessThan(0.01);
    // 2.3437·√(3·4/(6·9)) = 1.105.
    expect(found.criticalDifference).toBeCloseTo(1.105, 3);
    expect(found.cliques).toEqual([
      [0, 1],
      [1, 2],
    ]);
  });

  it("leaves out who was judged on too few, as long as that helps, and names them", () => {
    const slow = { ...criteria, nc: (_: unknown, model: number) => (model < 2 ? 0.9 : null) };
    const found = rankCriteria(criterionValues(synthetic({ models: 8, criteria: slow })), "infected", 1, "x");
    expect(found).toMatchObject({ models: 8, leftOut: ["nc"] });
    const small = rankCriteria(criterionValues(synthetic({ models: 4, criteria: slow })), "infected", 1, "x");
    expect(small).toMatchObject({ models: 2, leftOut: [], test: null, criticalDifference: null, cliques: [] });
    expect(small.ranks[0].criterion).toBe("nc");
  });
});

describe("criticalDifferenceSvg", () => {
  it("places criteria at their ranks and a bar per clique", () => {
    const ranks = [
      { criterion: "a<b", rank: 1 },
      { criterion: "c", rank: 2 },
      { criterion: "d", rank: 3 },
    ];
    const svg = criticalDifferenceSvg({ ranks, criticalDifference: 1.1, cliques: [[0, 1]] });
    expect(svg.match(/stroke-width="4"/g)).toHaveLength(1);
    expect(svg).toContain("a&lt;b 1.00");
    expect(svg).toContain("3.00 d");
    // Axis from 170 to 590: the middle rank in the middle.
    expect(svg).toMatch(/polyline points="380,62 /);
    expect(svg).not.toMatch(/NaN|undefined/);
  });
});

describe("the sections", () => {
  const access = { deepmufl: "failing" };
  const data = synthetic({
    models: 7,
    criteria: { ...criteria, deepmufl: () => 0.95, random: () => 0.02, "weight-norm": () => 0.3 },
    access,
  }) as ReportData;

  it("keep criteria that see triggered samples out of the ranking of the others", () => {
    const { tables, figures, body } = comparison(data);
    const named = (name: string) => tables!.find((table) => table.name === name)!;
    const clean = named("comparison-ranks").rows.map(({ criterion }) => criterion);
    expect(new Set(clean)).toEqual(new Set(["clp", "anp", "fp", "random", "weight-norm"]));
    expect(named("comparison-pairs").rows.some(({ first, second }) => [first, second].includes("deepmufl"))).toBe(
      false,
    );
    expect(figures!.map(({ name }) => name)).toEqual([
      "critical-difference-original-infected",
      "critical-difference-original-difference",
      "critical-difference-all-infected",
      "critical-difference-all-difference",
    ]);
    expect(
      named("comparison-pairs").rows.filter(({ family, view }) => `${family} ${view}` === "original infected"),
    ).toHaveLength(3);
    expect(body.text).toContain("Criteria that also see triggered samples");
    expect(breakdown(data, []).tables!.map(({ name }) => name)).toContain("by-level-failing");
  });

  it("print the effective n, and say so where no test is made", () => {
    const few = synthetic({ models: 3, criteria }) as ReportData;
    const { tables, figures, body } = comparison(few);
    expect(body.text).toContain("no test; the effective n is 3");
    expect(figures).toEqual([]);
    for (const table of tables!) for (const row of table.rows) expect(row).toMatchObject({ models: 3, p: null });
  });

  it("put counts, clean models and acceptance beside every mean", () => {
    const byLevel = breakdown(data, ["clp"]).tables!.find(({ name }) => name === "by-level")!;
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
