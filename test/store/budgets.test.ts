import { describe, expect, it } from "vitest";
import { BUDGETS } from "../../src/core/budget.ts";
import type { PredictionFile } from "../../src/records/prediction.ts";
import { predictionName } from "../../src/records/result-name.ts";
import { PassingResults } from "../../src/store/results/result-folder.ts";
import { Results, storedBudgets } from "../../src/store/results/results.ts";

const ID = "signs-resnet18w4-badnets-small-top000";

function prediction(budget: PredictionFile["budget"], seconds = 1): PredictionFile {
  return {
    kind: "prediction",
    id: ID,
    version: "infected",
    criterion: "nc",
    access: "clean",
    seconds,
    seed: 1,
    budget,
    model_sha256: "a".repeat(64),
    raw: {},
    scores: {},
    native: [],
    note: null,
  };
}

describe("results of several budgets", () => {
  it("stand side by side: none overwrites another's, and none is read for another's", () => {
    const store = new PassingResults();
    for (const [i, budget] of BUDGETS.entries()) new Results(store, budget).savePrediction(prediction(budget, i));
    for (const [i, budget] of BUDGETS.entries()) {
      expect(new Results(store, budget).prediction("nc", ID, "infected")).toMatchObject({ budget, seconds: i });
      expect(new Results(store, budget).criteria()).toEqual(["nc"]);
    }
    expect(store.listResults()).toHaveLength(BUDGETS.length);
    expect(new Set(storedBudgets(store))).toEqual(new Set(BUDGETS));
  });

  it("of an older demo, under the short budget's name, are the demo's and move aside", () => {
    const store = new PassingResults();
    store.writeResult(predictionName("nc", ID, "infected"), prediction("demo", 7));
    expect(storedBudgets(store)).toEqual(["demo"]);
    expect(new Results(store, "demo").prediction("nc", ID, "infected")?.seconds).toBe(7);
    expect(new Results(store, "demo").criteria()).toEqual(["nc"]);
    expect(new Results(store, "short").prediction("nc", ID, "infected")).toBeNull();
    new Results(store, "short").savePrediction(prediction("short", 8));
    expect(new Results(store, "demo").prediction("nc", ID, "infected")?.seconds).toBe(7);
    expect(new Results(store, "short").prediction("nc", ID, "infected")?.seconds).toBe(8);
    // Beside others that still stand under the short budget's names.
    store.writeResult(predictionName("nc", ID, "clean"), { ...prediction("demo", 9), version: "clean" });
    expect(new Set(storedBudgets(store))).toEqual(new Set(["demo", "short"]));
    expect(new Results(store, "demo").prediction("nc", ID, "clean")?.seconds).toBe(9);
  });
});
