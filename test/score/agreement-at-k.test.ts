import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { flatScores, indexNeurons, neuronsAt } from "../../src/core/neuron-index.ts";
import type { LayerScores, NeuronSet } from "../../src/core/neurons.ts";
import { agreementAtK } from "../../src/score/agreement-at-k.ts";
import { scorePrediction } from "../../src/score/score.ts";
import { compareSets } from "../../src/score/sets.ts";
import { controlledSet, type Quota } from "../../src/score/topk.ts";
import { wji } from "../../src/score/wji.ts";

const layers = [
  { name: "a", width: 4 },
  { name: "b", width: 3 },
];
const index = indexNeurons(layers);

/** Every set of k that some order of the ties puts first. */
function setsOf(flat: Float64Array, positions: number[], k: number): number[][] {
  const choose = (list: number[], n: number): number[][] =>
    n === 0 ? [[]] : list.flatMap((first, i) => choose(list.slice(i + 1), n - 1).map((rest) => [first, ...rest]));
  const least = (set: number[]) => Math.min(...set.map((at) => flat[at]));
  return choose(positions, k).filter((set) =>
    positions.every((at) => set.includes(at) || set.length === 0 || flat[at] <= least(set)),
  );
}

/** The mean over every order of the ties, counted out. */
function countedOut(flat: Float64Array, truth: NeuronSet, contribution: Record<string, number[]>, quota: Quota) {
  const g = Object.values(truth).flat().length;
  const all = flat.length === 0 ? [] : Array.from(flat, (_, at) => at);
  const parts: [number[], number][] =
    quota === "global"
      ? [[all, g]]
      : layers.map(({ name, width }) => {
          const start = index.offsets.get(name)!;
          return [all.slice(start, start + width), truth[name]?.length ?? 0];
        });
  let sets: number[][] = [[]];
  for (const [positions, count] of parts) {
    const inside = setsOf(flat, positions, count);
    sets = sets.flatMap((set) => inside.map((other) => [...set, ...other]));
  }
  const named = sets.map((set) =>
    neuronsAt(
      index,
      all.map((at) => Number(set.includes(at))),
    ),
  );
  const mean = (value: (set: NeuronSet) => number) => named.reduce((sum, set) => sum + value(set), 0) / named.length;
  return {
    wji: mean((set) => wji(truth, contribution, set)),
    jaccard: mean((set) => compareSets(truth, set).jaccard),
    precision: mean((set) => compareSets(truth, set).precision!),
    recall: mean((set) => compareSets(truth, set).recall!),
    f1: mean((set) => compareSets(truth, set).f1),
  };
}

const cases = fc
  .tuple(
    fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 7, maxLength: 7 }),
    fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 7 }),
    fc.array(fc.integer({ min: -1, max: 4 }), { minLength: 7, maxLength: 7 }),
  )
  .filter(([scores]) => new Set(scores).size > 1)
  .map(([scores, members, c]) => {
    const truth = neuronsAt(
      index,
      scores.map((_, at) => Number(members.includes(at))),
    );
    const contribution = Object.fromEntries(
      Object.entries(truth).map(([layer, list]) => [layer, list.map((i) => c[index.offsets.get(layer)! + i])]),
    );
    return { flat: Float64Array.from(scores), truth, contribution };
  });

describe("agreementAtK", () => {
  it.each(["global", "layer"] as const)("is the mean over all orders of the ties (quota %s)", (quota) => {
    fc.assert(
      fc.property(cases, ({ flat, truth, contribution }) => {
        const found = agreementAtK(index, flat, truth, contribution, quota);
        const expected = countedOut(flat, truth, contribution, quota);
        for (const [field, value] of Object.entries(expected)) {
          expect(found[field as keyof typeof expected], field).toBeCloseTo(value, 10);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("judges the one set that there is where no tie is cut", () => {
    const scores: LayerScores = { a: [9, 8, 0, 0], b: [7, 0, 0] };
    const [truth, c] = [
      { a: [1, 2], b: [0] },
      { a: [0.7, 0.2], b: [0.1] },
    ];
    const named = controlledSet(index, scores, truth, "global");
    const found = agreementAtK(index, flatScores(index, scores), truth, c, "global");
    const { jaccard, recall } = compareSets(truth, named);
    expect(found).toMatchObject({ k: 3, jaccard, recall });
    expect(found.wji).toBeCloseTo(wji(truth, c, named), 12);
  });

  it("gives the same whatever the order of the layers", () => {
    // The forced order would name a:0 and a:1, the truth; turned round it would name b:0 and b:1.
    const turned = indexNeurons([...layers].reverse());
    const scores: LayerScores = { a: [1, 1, 0, 0], b: [1, 1, 0] };
    const [truth, c] = [{ a: [0, 1] }, { a: [1, 1] }];
    const one = agreementAtK(index, flatScores(index, scores), truth, c, "global");
    const other = agreementAtK(turned, flatScores(turned, scores), truth, c, "global");
    expect(one.wji).toBeCloseTo(other.wji, 12);
    // Of 4 tied neurons 2 are drawn: both true 1/6, one of them 4/6 (1/3 each time).
    expect(one.wji).toBeCloseTo(1 / 6 + 4 / 6 / 3, 12);
  });

  it("stays exact on thousands of ties", () => {
    const wide = indexNeurons([{ name: "a", width: 6000 }]);
    const truth = { a: Array.from({ length: 1200 }, (_, i) => i) };
    const flat = new Float64Array(6000);
    flat[5999] = -1;
    const found = agreementAtK(wide, flat, truth, { a: truth.a.map(() => 1) }, "global");
    expect(found.recall).toBeCloseTo(1200 / 5999, 9);
    // Nearly no spread: the Jaccard index of the mean overlap.
    const hits = (1200 * 1200) / 5999;
    expect(found.jaccard).toBeCloseTo(hits / (2400 - hits), 4);
    expect(found.wji).toBeCloseTo(found.jaccard, 12);
  });

  it("refuses contributions that do not fit", () => {
    expect(() => agreementAtK(index, Float64Array.of(1, 0, 0, 0, 0, 0, 0), { a: [0, 1] }, { a: [1] }, "layer")).toThrow(
      "layer 'a'",
    );
  });
});

describe("scores that tell nothing", () => {
  const labels = { infected: { a: [0, 1] }, contribution: { a: [0.9, 0.1] }, effective: { a: [0] } };
  const prediction = {
    id: "signs-resnet18w8-badnets-small-top000",
    version: "sham",
    criterion: "deepmufl",
    access: "failing",
    seconds: 1,
    scores: { a: [0, 0, 0, 0], b: [0, 0, 0] },
    native: [],
  };

  it("name nothing, although the forced order would name the truth; the ranking is guessing", () => {
    expect(controlledSet(index, prediction.scores, labels.infected, "global")).toEqual({});
    expect(controlledSet(index, prediction.scores, labels.infected, "layer")).toEqual({});
    for (const row of scorePrediction(layers, prediction, labels)) {
      const g = row.truth === "full" ? 2 : 1;
      expect(row).toMatchObject({ k: 0, wji: 0, jaccard: 0, precision: null, recall: 0, auroc: 0.5, ap: g / 7 });
      // The first of g random places among 7 is (7 + 1)/(g + 1) on average.
      expect(row.exam).toBeCloseTo(8 / (g + 1) / 7, 12);
    }
  });
});
