import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Budget } from "../../src/core/budget.ts";
import { countNeurons, type NeuronSet, parseNeurons } from "../../src/core/neurons.ts";
import { clp } from "../../src/localize/criteria/clp.ts";
import { fp } from "../../src/localize/criteria/fp.ts";
import type { Need } from "../../src/localize/needs.ts";
import type { CleanCriterion, Suspect } from "../../src/localize/types.ts";
import { localizeAll } from "../../src/pipeline/judging/localize.ts";
import { repairAll, repairRow } from "../../src/pipeline/judging/repair.ts";
import { scoreAll } from "../../src/pipeline/judging/score.ts";
import type { JudgedItem } from "../../src/pipeline/judging/select.ts";
import { formatUsing, parseUsing } from "../../src/pipeline/judging/using.ts";
import { predictionName } from "../../src/records/result-name.ts";
import { prune } from "../../src/repair/prune.ts";
import { openDatabase } from "../../src/store/database.ts";
import { modelSha256 } from "../../src/store/objects/models.ts";
import { Results } from "../../src/store/results/results.ts";
import { freshResults, IDS, INFECTED, makeBench, STATES } from "./defects.ts";

const items: JudgedItem[] = IDS.flatMap((id) => [
  { id, version: "infected" },
  { id, version: "sham" },
]);

describe("localizeAll", () => {
  it("judges every cell once, and only what is missing or out of date afterwards", async () => {
    const { results } = await freshResults();
    const first = makeBench();
    const seen: string[] = [];
    const predictions = await localizeAll(first.bench, results, items, [fp, clp], (done, total, what) => {
      seen.push(`${done}/${total} ${what}`);
    });
    expect(predictions.map(({ id, version, criterion }) => `${id}:${version} ${criterion}`)).toEqual(
      items.flatMap(({ id, version }) => [`${id}:${version} fp`, `${id}:${version} clp`]),
    );
    expect(seen[3]).toBe(`3/8 ${IDS[0]}:sham clp`);
    expect(first.counts).toMatchObject({ models: 4, datasets: 1, runners: 1 });
    expect(predictions[1].native).toContain("layer4.0.conv1:3");

    const again = makeBench();
    expect(await localizeAll(again.bench, results, items, [fp, clp])).toEqual(predictions);
    expect(again.counts).toMatchObject({ models: 0, datasets: 0, runners: 0 });

    const otherSeed = makeBench(2);
    const [changed] = await localizeAll(otherSeed.bench, results, items.slice(0, 1), [clp]);
    expect(otherSeed.counts.models).toBe(1);
    expect(changed).toMatchObject({ seed: 2, scores: predictions[1].scores });
  });

  it("leaves out a criterion that needs what a network lacks, and counts it as over", async () => {
    const { results } = await freshResults();
    const { bench } = makeBench();
    const needy: CleanCriterion = { ...clp, name: "needy", needs: ["tokens" as Need] };
    const seen: string[] = [];
    const predictions = await localizeAll(bench, results, items.slice(0, 2), [needy, clp], (done, total, what) => {
      seen.push(`${done}/${total} ${what}`);
    });
    expect(predictions.map(({ criterion }) => criterion)).toEqual(["clp", "clp"]);
    expect(seen).toEqual([`1/4 ${IDS[0]}:infected clp`, `3/4 ${IDS[0]}:sham clp`]);
  });

  it("judges again what another revision of a criterion has judged", async () => {
    const { results } = await freshResults();
    const of = async (revision?: number) => {
      const { bench, counts } = makeBench();
      const [found] = await localizeAll(bench, results, items.slice(0, 1), [{ ...clp, revision }]);
      return [counts.models, found.revision];
    };
    expect(await of()).toEqual([1, undefined]);
    expect(await of(1)).toEqual([0, undefined]);
    expect(await of(2)).toEqual([1, 2]);
    expect(await of(2)).toEqual([0, 2]);
    expect(await of()).toEqual([1, undefined]);
  });

  it("shows a criterion nothing but the suspect: no id, no version, no weights that others share", async () => {
    const shown: Suspect[] = [];
    const nosy: CleanCriterion = {
      ...clp,
      name: "nosy",
      localize: async (suspect) => {
        shown.push(suspect);
        const found = await clp.localize(suspect);
        for (const { data } of suspect.state.values()) data.fill(Number.NaN);
        return found;
      },
    };
    const { results } = await freshResults();
    const { bench } = makeBench();
    await localizeAll(bench, results, items.slice(0, 2), [nosy, clp]);
    for (const suspect of shown) {
      expect(suspect.name).toMatch(/^suspect-[0-9a-f]{12}$/);
      expect(Object.keys(suspect).sort()).toEqual(
        "name task network state normalization augmentation clean seed runner budget".split(" ").sort(),
      );
      expect(Object.keys(suspect.task).sort()).toEqual(
        "name words traits inputs insertion loss quality passes answer guesses handout".split(" ").sort(),
      );
      expect(JSON.stringify(suspect, (_, value) => (ArrayBuffer.isView(value) ? 0 : value))).not.toMatch(
        /signs|badnets|sham/,
      );
    }
    expect(shown[0].name).not.toBe(shown[1].name);
    expect(results.prediction("clp", IDS[0], "infected")!.raw).toEqual(
      results.prediction("nosy", IDS[0], "infected")!.raw,
    );
    expect(STATES.infected.get("conv1.weight")!.data.some(Number.isNaN)).toBe(false);
  });

  it("keeps what the budgets found apart, and tells criteria which is theirs", async () => {
    const { results, full, dir } = await freshResults();
    const spends: (string | undefined)[] = [];
    const spender: CleanCriterion = {
      ...clp,
      name: "spender",
      localize: async (suspect) => {
        spends.push(suspect.budget);
        const { raw, scores } = await clp.localize(suspect);
        return { raw, scores, native: suspect.budget === "full" ? { conv1: [0] } : ({} as NeuronSet) };
      },
    };
    const some = items.slice(0, 1);
    const judge = (into: typeof results, budget: Budget) =>
      localizeAll(makeBench(1, undefined, budget).bench, into, some, [spender]);
    const [short] = await judge(results, "short");
    const [long] = await judge(full, "full");
    expect([short.budget, short.native, long.budget, long.native]).toEqual(["short", [], "full", ["conv1:0"]]);
    expect(await judge(results, "short")).toEqual([short]);
    expect(await judge(full, "full")).toEqual([long]);
    expect(spends).toEqual(["short", "full"]);
    const stored = (budget: Budget) =>
      existsSync(join(dir, "results", `${predictionName("spender", IDS[0], "infected", budget)}.json`));
    expect([stored("short"), stored("full")]).toEqual([true, true]);
    expect([results.criteria(), full.criteria()]).toEqual([["spender"], ["spender"]]);
    const ks = async (from: typeof results) =>
      (await scoreAll(makeBench().bench.source, from, some, ["spender"])).flatMap((row) =>
        row.protocol === "native" ? [row.k] : [],
      );
    expect([await ks(results), await ks(full)]).toEqual([
      [0, 0],
      [1, 1],
    ]);

    // What the demo found stands beside it too.
    const demo = new Results(await openDatabase(dir), "demo");
    expect((await judge(demo, "demo"))[0].budget).toBe("demo");
    expect([demo, results].map((one) => one.prediction("spender", IDS[0], "infected")!.budget)).toEqual([
      "demo",
      "short",
    ]);
    expect(await judge(results, "short")).toEqual([short]);
    expect(spends.slice(2)).toEqual(["demo"]);
  });

  it("derives the drift control, which resumes too", async () => {
    const { results } = await freshResults();
    const drift: JudgedItem[] = [{ id: IDS[0], version: "drift" }];
    const first = await localizeAll(makeBench().bench, results, drift, [clp]);
    expect(await localizeAll(makeBench().bench, results, drift, [clp])).toEqual(first);
    const stored = Object.values(STATES).map(modelSha256);
    expect(stored).not.toContain(first[0].model_sha256);
    expect(first[0].version).toBe("drift");
  });

  it("opens no data set for criteria that read weights alone, and refuses other data", async () => {
    const { bench, counts } = makeBench(1, "f".repeat(64));
    await localizeAll(bench, (await freshResults()).results, items, [clp]);
    expect(counts.datasets).toBe(0);
    await expect(localizeAll(bench, (await freshResults()).results, items, [fp])).rejects.toThrow("--data");
    await bench.release();
    expect(counts.released).toBe(1);
  });

  it("names a criterion that returns nonsense", async () => {
    const broken: CleanCriterion = {
      ...clp,
      name: "broken",
      localize: async () => ({ raw: {}, scores: {}, native: {} }),
    };
    const judging = localizeAll(makeBench().bench, (await freshResults()).results, items, [broken]);
    await expect(judging).rejects.toThrow("criterion 'broken': layer 'conv1' has 0 scores");
  });

  it("finds a damaged prediction", async () => {
    const { results, dir } = await freshResults();
    await localizeAll(makeBench().bench, results, items.slice(0, 1), [clp]);
    const path = join(dir, "results", `${predictionName("clp", IDS[0], "infected")}.json`);
    writeFileSync(path, readFileSync(path, "utf8").replace('"clp"', '"clq"'));
    await expect(localizeAll(makeBench().bench, results, items.slice(0, 1), [clp])).rejects.toThrow("clp");
  });
});

describe("repairAll", () => {
  const INFECTED_MODELS = IDS.map((id) => ({ id, version: "infected" as const }));
  const usings = ["oracle", "random", "clp", "clp:topk"].map((text) => parseUsing(text));

  it("measures before and after, and resumes", async () => {
    const { results } = await freshResults();
    await localizeAll(makeBench().bench, results, items, [clp]);
    const { bench } = makeBench();
    const repairs = await repairAll(bench, results, INFECTED_MODELS, [prune], usings);
    expect(repairs.map(({ using }) => using)).toEqual([...usings, ...usings].map(formatUsing));
    expect(repairRow(repairs[0])).toMatchObject({
      id: IDS[0],
      method: "prune",
      using: "oracle",
      ca_before: 1,
      ca_after: 0.1,
      asr_before: 1,
      asr_after: 0,
      asrd: 1,
      cad: 0.9,
      cut: null,
      note: null,
    });
    const cut = { cut: repairs[0].neurons.slice(0, 2), note: "cut 2: no patch stands out" };
    expect(repairRow({ ...repairs[0], ...cut })).toMatchObject({ cut: 2, note: cut.note });
    expect(parseNeurons(repairs[0].neurons)).toEqual(INFECTED);
    expect(repairs[1].neurons.length).toBe(countNeurons(INFECTED));
    expect(repairs[3].neurons.length).toBe(countNeurons(INFECTED));

    const again = makeBench();
    expect(await repairAll(again.bench, results, INFECTED_MODELS, [prune], usings)).toEqual(repairs);
    expect(again.counts).toMatchObject({ models: 0, runners: 0 });
    expect(results.repairs().length).toBe(8);
  });

  it("repairs again what another revision of a repair has repaired", async () => {
    const { results } = await freshResults();
    const of = async (revision?: number) => {
      const { bench, counts } = makeBench();
      const [made] = await repairAll(
        bench,
        results,
        INFECTED_MODELS.slice(0, 1),
        [{ ...prune, revision }],
        usings.slice(0, 1),
      );
      return [counts.models, made.revision];
    };
    expect(await of()).toEqual([1, undefined]);
    expect(await of(3)).toEqual([1, 3]);
    expect(await of(3)).toEqual([0, 3]);
  });

  it("asks for the prediction it needs", async () => {
    const repairing = repairAll(
      makeBench().bench,
      (await freshResults()).results,
      INFECTED_MODELS,
      [prune],
      [parseUsing("clp")],
    );
    await expect(repairing).rejects.toThrow(`bdefects localize ${IDS[0]} --criterion clp`);
  });

  it("takes no neurons from another revision of a criterion", async () => {
    const { results } = await freshResults();
    await localizeAll(makeBench().bench, results, items.slice(0, 1), [{ ...clp, revision: 2 }]);
    const repairing = repairAll(makeBench().bench, results, INFECTED_MODELS.slice(0, 1), [prune], [parseUsing("clp")]);
    await expect(repairing).rejects.toThrow(`bdefects localize ${IDS[0]} --criterion clp`);
  });

  it("refuses unknown selections of neurons", () => {
    expect(() => parseUsing("magic")).toThrow("valid: oracle, random, none, fp, nc");
    expect(() => parseUsing("clp:best")).toThrow("CRITERION:topk");
    expect(() => parseUsing("oracle:topk")).toThrow(
      "bad --using 'oracle:topk': oracle stands alone; write --using oracle",
    );
  });
});

describe("scoreAll", () => {
  it("joins the stored predictions with the labels", async () => {
    const { results } = await freshResults();
    const { bench } = makeBench();
    expect(await scoreAll(bench.source, results, items, ["clp"])).toEqual([]);
    await localizeAll(bench, results, items, [clp]);
    expect(results.criteria()).toEqual(["clp"]);
    const rows = await scoreAll(bench.source, results, items, results.criteria());
    expect(rows.length).toBe(4 * 6);
    const row = rows.find((r) => r.truth === "full" && r.protocol === "topk" && r.quota === "layer")!;
    expect(row).toMatchObject({ id: IDS[0], version: "infected", k: 3, wji: 1, jaccard: 1 });
  });

  it("refuses a prediction of other weights", async () => {
    const { results } = await freshResults();
    const { bench } = makeBench();
    const [prediction] = await localizeAll(bench, results, items.slice(0, 1), [clp]);
    results.savePrediction({ ...prediction, model_sha256: "a".repeat(64) });
    await expect(scoreAll(bench.source, results, items.slice(0, 1), ["clp"])).rejects.toThrow("of another model");
  });
});
