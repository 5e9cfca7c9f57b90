import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { indexNeurons, topK } from "../../src/core/neuron-index.ts";
import { countNeurons, type NeuronSet } from "../../src/core/neurons.ts";
import { compareSets } from "../../src/score/sets.ts";
import { controlledSet } from "../../src/score/topk.ts";
import { restrictContributions, wji } from "../../src/score/wji.ts";

const layers = [
  { name: "a", width: 5 },
  { name: "b", width: 7 },
];
const index = indexNeurons(layers);

const channels = (width: number) =>
  fc.uniqueArray(fc.integer({ min: 0, max: width - 1 })).map((list) => list.sort((x, y) => x - y));
const sets: fc.Arbitrary<NeuronSet> = fc.record({ a: channels(5), b: channels(7) });
const uniform = (set: NeuronSet, value: number) =>
  Object.fromEntries(Object.entries(set).map(([layer, list]) => [layer, list.map(() => value)]));

describe("wji-v1", () => {
  it("gives its check values (docs/methods.md §12.3)", () => {
    const [truth, c] = [{ a: [1, 2, 3] }, { a: [0.8, 0.1, 0.1] }];
    expect(wji(truth, c, { a: [1, 9] })).toBeCloseTo(0.6, 12);
    expect(wji(truth, c, { a: [2, 9] })).toBeCloseTo(0.075, 12);
    expect(wji(truth, c, {})).toBe(0);
    expect(wji({}, {}, {})).toBe(1);
    expect(wji({}, {}, { a: [1] })).toBe(0);
  });

  it("is the plain Jaccard index when contributions are equal, or all without effect", () => {
    fc.assert(
      fc.property(sets, sets, fc.constantFrom(-2, 0, 0.3, 7), (truth, named, value) => {
        expect(wji(truth, uniform(truth, value), named)).toBeCloseTo(compareSets(truth, named).jaccard, 12);
      }),
    );
  });

  it("stays in [0, 1], is 1 on the truth, and falls with every false positive", () => {
    fc.assert(
      fc.property(
        sets,
        sets,
        fc.array(fc.double({ min: -1, max: 5, noNaN: true }), { minLength: 12, maxLength: 12 }),
        (truth, named, c) => {
          const contribution = { a: truth.a.map((i) => c[i]), b: truth.b.map((i) => c[5 + i]) };
          const value = wji(truth, contribution, named);
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1);
          expect(wji(truth, contribution, truth)).toBeCloseTo(1, 12);
          const worse = { a: named.a, b: named.b, elsewhere: [0] };
          expect(wji(truth, contribution, worse)).toBeLessThanOrEqual(value);
        },
      ),
    );
  });

  it("refuses contributions that do not fit", () => {
    expect(() => wji({ a: [1, 2] }, { a: [1] }, {})).toThrow("layer 'a'");
    expect(restrictContributions({ a: [1, 4] }, { a: [0.25, 0.5] }, { a: [4] })).toEqual({ a: [0.5] });
    expect(() => restrictContributions({ a: [1] }, { a: [1] }, { a: [2] })).toThrow("a:2");
  });
});

describe("compareSets", () => {
  it("agrees with membership counting", () => {
    fc.assert(
      fc.property(sets, sets, (truth, named) => {
        let [both, either] = [0, 0];
        for (const { name, width } of layers) {
          for (let c = 0; c < width; c++) {
            const [g, p] = [truth[name].includes(c), named[name].includes(c)];
            both += Number(g && p);
            either += Number(g || p);
          }
        }
        const agreement = compareSets(truth, named);
        expect(agreement.jaccard).toBeCloseTo(either === 0 ? 1 : both / either, 12);
        const { precision, recall } = agreement;
        if (precision !== null && recall !== null && precision + recall > 0) {
          expect(agreement.f1).toBeCloseTo((2 * precision * recall) / (precision + recall), 12);
        }
      }),
    );
  });

  it("is null where there is nothing to divide by", () => {
    expect(compareSets({ a: [1] }, {})).toEqual({ jaccard: 0, precision: null, recall: 0, f1: 0 });
    expect(compareSets({}, { a: [1] })).toEqual({ jaccard: 0, precision: 0, recall: null, f1: 0 });
  });
});

describe("top-k", () => {
  const scores = { a: [1, 3, 3, 0, 3], b: [3, 0, 5, 0, 0, 0, 2] };

  it("breaks ties by layer order, then channel index", () => {
    expect(topK(index, scores, 3)).toEqual({ a: [1, 2], b: [2] });
    expect(topK(index, scores, 5)).toEqual({ a: [1, 2, 4], b: [0, 2] });
    expect(topK(index, scores, 0)).toEqual({});
    expect(countNeurons(topK(index, scores, 99))).toBe(12);
  });

  it("names as many as the truth, over the network or in each layer", () => {
    const truth = { a: [0], b: [1, 3] };
    expect(controlledSet(index, scores, truth, "global")).toEqual({ a: [1, 2], b: [2] });
    expect(controlledSet(index, scores, truth, "layer")).toEqual({ a: [1], b: [0, 2] });
  });

  it("refuses scores that do not fit the network", () => {
    expect(() => topK(index, { a: [1], b: [] }, 1)).toThrow("layer 'a' has 1 scores, not 5");
    expect(() => topK(index, { ...scores, a: [1, Number.NaN, 0, 0, 0] }, 1)).toThrow("not a finite number");
  });
});
