import { describe, expect, it } from "vitest";
import { EXTENDED_METRICS, scorePredictionExtended } from "../../src/score/extended.ts";
import { scorePrediction } from "../../src/score/score.ts";
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
// In order of suspicion: a:0 (true), a:2, b:3 (true), a:1 (true), then four of score 0.
const prediction = {
  id: "signs-resnet18w8-badnets-small-top000",
  version: "infected",
  criterion: "clp",
  access: "clean",
  seconds: 0.5,
  scores: { a: [9, 1, 8, 0], b: [0, 0, 0, 2] },
  native: ["a:0", "a:2"],
};

describe("scorePredictionExtended", () => {
  const rows = scorePredictionExtended(layers, prediction, labels);
  const row = (truth: string, protocol: string, quota: string | null) =>
    rows.find((r) => r.truth === truth && r.protocol === protocol && r.quota === quota)!;

  it("adds to the published fields and changes none of them", () => {
    const published = scorePrediction(layers, prediction, labels);
    expect(rows.map((r) => Object.fromEntries(Object.keys(published[0]).map((key) => [key, r[key as "id"]])))).toEqual(
      published,
    );
    for (const r of rows) expect(Object.keys(r).slice(Object.keys(published[0]).length)).toEqual([...EXTENDED_METRICS]);
  });

  it("counts what stands first in the ranking", () => {
    const found = row("full", "native", null);
    expect(found).toMatchObject({ top_1: 1, top_5: 1, top_10: 1, top_50: 1, precision_at_g: 2 / 3 });
    expect(found).toMatchObject({ recall_at_1: 1 / 3, recall_at_5: 1, recall_at_50: 1 });
    // Ranks 1, 3 and 4 of 8.
    expect(found.mean_exam).toBeCloseTo(8 / 3 / 8, 12);
    expect(row("effective", "native", null)).toMatchObject({ top_1: 1, recall_at_1: 1, precision_at_g: 1 });
  });

  it("takes F1 of the set that is judged, and layers by themselves", () => {
    // Of two named and three true neurons one is shared; of three named by score two.
    expect(row("full", "native", null).f1).toBeCloseTo(2 / 5, 12);
    expect(row("full", "topk", "global").f1).toBeCloseTo(4 / 6, 12);
    // Layer a: 9 and 1 true against 8 and 0; layer b: perfect.
    expect(row("full", "native", null).auroc_layer).toBeCloseTo((3 / 4 + 1) / 2, 12);
    expect(row("full", "native", null).ap_layer).toBeCloseTo(((1 + 2 / 3) / 2 + 1) / 2, 12);
  });

  it("is null where no neuron is effective", () => {
    const without = scorePredictionExtended(layers, prediction, { ...labels, effective: null });
    for (const r of without.filter(({ truth }) => truth === "effective")) {
      for (const metric of EXTENDED_METRICS) expect(r[metric]).toBeNull();
    }
  });

  it("can be summarised like the others", () => {
    const sham = scorePredictionExtended(
      layers,
      { ...prediction, version: "sham", scores: { a: [0, 0, 9, 9], b: [0, 0, 0, 0] } },
      labels,
    );
    const [top1] = summarize([...rows, ...sham], ["top_1"]);
    expect(top1).toMatchObject({ metric: "top_1", infected: 1, sham: 0, difference: 1, pairs: 1 });
  });
});
