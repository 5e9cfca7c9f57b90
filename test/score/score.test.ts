import { describe, expect, it } from "vitest";
import { type ScoreRow, scorePrediction } from "../../src/score/score.ts";
import { summarize } from "../../src/score/summary.ts";

const layers = [
  { name: "a", width: 4 },
  { name: "b", width: 4 },
];
const labels = {
  infected: { a: [0, 1], b: [3] },
  contribution: { a: [0.8, 0.1], b: [0.1] },
  effective: { a: [0] },
};
const prediction = {
  id: "signs-resnet18w8-badnets-small-top000",
  version: "infected",
  criterion: "clp",
  access: "clean",
  seconds: 0.5,
  scores: { a: [9, 1, 8, 0], b: [0, 0, 0, 2] },
  native: ["a:0", "a:2"],
};

describe("scorePrediction", () => {
  const rows = scorePrediction(layers, prediction, labels);
  const row = (truth: string, protocol: string, quota: string | null) =>
    rows.find((r) => r.truth === truth && r.protocol === protocol && r.quota === quota)!;

  it("gives a row per truth and protocol with the fields of the specification", () => {
    expect(rows.length).toBe(6);
    const fields =
      "id version criterion access budget truth protocol quota k wji jaccard precision recall auroc ap exam seconds".split(
        " ",
      );
    for (const r of rows) expect(Object.keys(r)).toEqual(fields);
  });

  it("judges the native set, and the top-k sets of the truth's size", () => {
    expect(row("full", "native", null)).toMatchObject({ k: 2, jaccard: 0.25, precision: 0.5, recall: 1 / 3 });
    expect(row("full", "native", null).wji).toBeCloseTo(2.4 / 4, 12);
    expect(row("full", "topk", "global")).toMatchObject({ k: 3, jaccard: 0.5 });
    expect(row("full", "topk", "layer")).toMatchObject({ k: 3, jaccard: 0.5 });
    expect(row("effective", "topk", "global")).toMatchObject({ k: 1, jaccard: 1, wji: 1, auroc: 1, exam: 1 / 8 });
    expect(row("effective", "native", null)).toMatchObject({ k: 2, jaccard: 0.5 });
  });

  it("is null where no neuron is effective", () => {
    const without = scorePrediction(layers, prediction, { ...labels, effective: null });
    const effective = without.filter((r) => r.truth === "effective");
    expect(effective.length).toBe(3);
    for (const r of effective)
      expect(r).toMatchObject({ k: null, wji: null, jaccard: null, auroc: null, seconds: 0.5 });
  });

  it("refuses a prediction that does not fit the network", () => {
    expect(() => scorePrediction(layers, { ...prediction, native: ["a:4"] }, labels)).toThrow("a:4");
    expect(() => scorePrediction(layers, { ...prediction, scores: { a: [1] } }, labels)).toThrow("layer 'a'");
  });
});

describe("summarize", () => {
  const [base] = scorePrediction(layers, prediction, labels);
  const make = (id: string, version: string, jaccard: number | null): ScoreRow => ({ ...base, id, version, jaccard });
  const id = (level: string, top: string) => `signs-resnet18w8-badnets-${level}-top${top}`;

  it("averages inside cells, then over cells, and pairs infected with sham", () => {
    const [row] = summarize(
      [
        make(id("small", "000"), "infected", 0.2),
        make(id("small", "020"), "infected", 0.4),
        make(id("large", "000"), "infected", 0.9),
        make(id("small", "000"), "sham", 0.1),
        make(id("large", "000"), "sham", 0.5),
        make(id("large", "000"), "drift", 0.7),
      ],
      ["jaccard"],
    );
    expect(row).toMatchObject({ criterion: "clp", metric: "jaccard", cases: 3, shams: 2, pairs: 2, cells: 2 });
    expect(row.infected).toBeCloseTo((0.3 + 0.9) / 2, 12);
    expect(row.sham).toBeCloseTo((0.1 + 0.5) / 2, 12);
    expect(row.difference).toBeCloseTo((0.1 + 0.4) / 2, 12);
  });

  it("does not count cases without a value", () => {
    const rows = [make(id("small", "000"), "infected", null), make(id("small", "000"), "sham", 0.1)];
    expect(summarize(rows, ["jaccard"])).toMatchObject([
      { infected: null, sham: 0.1, difference: null, cases: 0, pairs: 0 },
    ]);
  });
});
