import { describe, expect, it } from "vitest";
import type { Budget } from "../../src/core/budget.ts";
import { CRITERIA } from "../../src/localize/registry.ts";
import { pairedRepairs } from "../../src/report/paired-repairs.ts";
import { criteriaInOrder, rankCriteria } from "../../src/report/ranking.ts";
import { BASELINES } from "../../src/score/baselines.ts";
import { type Plan, synthetic } from "./synthetic.ts";

/** `wji` by the defect's place, so that a criterion can judge a part of the defects. */
function rankingOf(plan: Plan, change: (data: ReturnType<typeof synthetic>) => void = () => undefined) {
  const data = synthetic(plan);
  change(data);
  return rankCriteria({ scores: data.scores, accepted: data.accepted, seed: 1 });
}

const round = (value: number | null) => Math.round(1e6 * value!) / 1e6;
const CONSTANT = (value: number) => () => value;

describe("the ranking of criteria", () => {
  it("goes by infected − sham, not by what is found on infected models", () => {
    const ranking = rankingOf({
      models: 2,
      criteria: { clp: CONSTANT(0.9), nc: CONSTANT(0.5) },
      shams: { clp: CONSTANT(0.8), nc: CONSTANT(0.1) },
    });
    expect(
      ranking.map(({ criterion, rank, infected, sham }) => [criterion, rank, round(infected), round(sham)]),
    ).toEqual([
      ["nc", 1, 0.5, 0.1],
      ["clp", 2, 0.9, 0.8],
    ]);
    expect(ranking[0].difference?.value).toBeCloseTo(0.4, 12);
    expect(ranking[0]).toMatchObject({ budget: "short", access: "clean", defects: 12, models: 2, note: null });
  });

  it("ranks nobody who judged much fewer defects, nor baselines, and keeps kinds of access apart", () => {
    const ranking = rankingOf({
      models: 2,
      criteria: {
        fp: CONSTANT(0.2),
        clp: CONSTANT(0.4),
        nc: ({ level }) => (level === "narrow" ? 1 : null),
        random: CONSTANT(0.9),
        deepmufl: CONSTANT(0.8),
      },
      access: { deepmufl: "failing" },
    });
    expect(ranking.map(({ criterion, rank, note }) => [criterion, rank, note])).toEqual([
      ["random", null, "baseline"],
      ["clp", 1, null],
      ["fp", 2, null],
      ["nc", null, "judged on 4 defects, the others on 12"],
      ["deepmufl", 1, null],
    ]);
    expect(criteriaInOrder(ranking, { access: "clean" })).toEqual(["random", "clp", "fp", "nc"]);
  });

  it("compares on the same defects: one that misses a few is ranked, and all are taken on what is common", () => {
    const misses = ({ level, attack }: { level: string; attack: string }, model: number) =>
      model === 0 && level === "large" && attack === "sra" ? null : 0.5;
    const ranking = rankingOf({
      models: 2,
      // By its own defects fp is ahead; by those that both judged it is not.
      criteria: { fp: (record, model) => (misses(record, model) === null ? 1 : 0.49), clp: misses },
    });
    expect(ranking.map(({ criterion, rank, defects }) => [criterion, rank, defects])).toEqual([
      ["clp", 1, 11],
      ["fp", 2, 11],
    ]);
    expect(ranking[1].infected).toBeCloseTo(0.49, 12);
  });

  it("gives equal differences one rank, and none where no sham was judged", () => {
    const equal = rankingOf({ models: 1, criteria: { fp: CONSTANT(0.3), clp: CONSTANT(0.3), nc: CONSTANT(0.1) } });
    expect(equal.map(({ criterion, rank }) => [criterion, rank])).toEqual([
      ["clp", 1],
      ["fp", 1],
      ["nc", 3],
    ]);
    const unpaired = rankingOf({ models: 1, criteria: { fp: CONSTANT(0.3) } }, (data) => {
      data.scores = data.scores.filter(({ version }) => version === "infected");
    });
    expect(unpaired).toMatchObject([{ rank: null, difference: null, infected: 0.3, defects: 6 }]);
    expect(unpaired[0].note).toContain("sham");
  });

  it("never takes a mean over two budgets", () => {
    const ranking = rankingOf({ models: 2, criteria: { nc: CONSTANT(0.2), clp: CONSTANT(0.1) } }, (data) => {
      const full = data.scores
        .filter(({ criterion, version }) => criterion === "nc" && version === "infected")
        .map((row) => ({ ...row, budget: "full" as Budget, wji: 0.9 }));
      const shams = data.scores
        .filter(({ criterion, version }) => criterion === "nc" && version === "sham")
        .map((row) => ({ ...row, budget: "full" as Budget }));
      data.scores.push(...full, ...shams);
    });
    expect(ranking.map(({ criterion, budget, rank, infected }) => [criterion, budget, rank, round(infected)])).toEqual([
      ["nc", "short", 1, 0.2],
      ["clp", "short", 2, 0.1],
      ["nc", "full", 1, 0.9],
    ]);
  });

  it("knows the baselines of the registry", () => {
    const named = [...CRITERIA.values()].filter(({ kind }) => kind === "baseline").map(({ name }) => name);
    expect([...BASELINES].sort()).toEqual(named.sort());
  });
});

describe("paired repairs", () => {
  it("stand inside one method and over the same defects", () => {
    const data = synthetic({
      models: 2,
      repairs: {
        "prune oracle": CONSTANT(0.9),
        "prune clp": CONSTANT(0.5),
        "finetune oracle": CONSTANT(0.3),
      },
    });
    // A choice made for a single defect, where it takes away everything, says nothing beside the others.
    const [first] = data.accepted;
    data.repairs.push({ ...data.repairs[0], id: first.id, using: "nc", asr_after: 0 });
    const paired = pairedRepairs(data);
    expect(paired.map(({ method, defects, ways }) => [method, defects, ways.map(({ using }) => using)])).toEqual([
      ["prune", 12, ["oracle", "clp"]],
      ["finetune", 12, ["oracle"]],
    ]);
    expect(paired[0].ways[1].asrd.value).toBeCloseTo(0.5, 12);
  });
});
