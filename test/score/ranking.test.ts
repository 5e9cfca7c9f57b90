import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  auroc,
  averagePrecision,
  exam,
  layerMacro,
  meanExam,
  precisionAtG,
  recallAt,
  topN,
} from "../../src/score/ranking.ts";

/** Few distinct scores, so that ties are common; small enough for references that enumerate. */
const cases = (max: number) =>
  fc
    .array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 1 })), { minLength: 1, maxLength: max })
    .map((pairs) => ({ scores: pairs.map(([s]) => s / 2), truth: pairs.map(([, y]) => y) }));

const sum = (list: number[]) => list.reduce((a, b) => a + b, 0);

/** AUROC by counting pairs: wins + half the ties. */
function pairAuroc(scores: number[], truth: number[]): number | null {
  let [won, pairs] = [0, 0];
  for (let i = 0; i < scores.length; i++) {
    for (let j = 0; j < scores.length; j++) {
      if (!truth[i] || truth[j]) continue;
      pairs++;
      won += scores[i] > scores[j] ? 1 : scores[i] === scores[j] ? 0.5 : 0;
    }
  }
  return pairs === 0 ? null : won / pairs;
}

/** AP by sweeping every distinct threshold. */
function sweepPrecision(scores: number[], truth: number[]): number | null {
  const total = sum(truth);
  if (total === 0) return null;
  let [area, recall] = [0, 0];
  for (const threshold of [...new Set(scores)].sort((a, b) => b - a)) {
    const named = scores.map((s) => s >= threshold);
    const hits = sum(truth.map((y, i) => (named[i] ? y : 0)));
    area += (hits / total - recall) * (hits / named.filter(Boolean).length);
    recall = hits / total;
  }
  return area;
}

function permutations(items: number[]): number[][] {
  if (items.length < 2) return [items];
  return items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]));
}

/** Expectation of a figure of the ranked truth over all orders that the scores allow, each equally likely. */
function overTies(scores: number[], truth: number[], figure: (ranked: number[]) => number): number {
  const orders = permutations(scores.map((_, i) => i)).filter((order) =>
    order.every((at, i) => i === 0 || scores[order[i - 1]] >= scores[at]),
  );
  return sum(orders.map((order) => figure(order.map((i) => truth[i])))) / orders.length;
}

function expectClose(actual: number | null, expected: number | null): void {
  if (actual === null || expected === null) expect(actual).toBe(expected);
  else expect(actual).toBeCloseTo(expected, 10);
}

describe("ranking metrics", () => {
  it("give the check values of docs/methods.md §12.4", () => {
    expect(auroc([0.9, 0.8, 0.8, 0.1], [1, 0, 1, 0])).toBe(0.875);
    expect(auroc([2, 2, 2, 2], [1, 0, 1, 0])).toBe(0.5);
  });

  it("are perfect on a perfect ranking", () => {
    const [scores, truth] = [
      [4, 3, 2, 1],
      [1, 1, 0, 0],
    ];
    expect(auroc(scores, truth)).toBe(1);
    expect(averagePrecision(scores, truth)).toBe(1);
    expect(exam(scores, truth)).toBe(0.25);
    expect(meanExam(scores, truth)).toBe(1.5 / 4);
    expect(precisionAtG(scores, truth)).toBe(1);
    expect(recallAt(scores, truth, 1)).toBe(0.5);
  });

  it("AUROC equals pair counting", () => {
    fc.assert(
      fc.property(cases(40), ({ scores, truth }) => expectClose(auroc(scores, truth), pairAuroc(scores, truth))),
    );
  });

  it("AP equals a sweep over thresholds", () => {
    fc.assert(
      fc.property(cases(40), ({ scores, truth }) =>
        expectClose(averagePrecision(scores, truth), sweepPrecision(scores, truth)),
      ),
    );
  });

  it("EXAM, meanEXAM, top-n, recall@n and precision@|G| are expectations over all tie orders", () => {
    fc.assert(
      fc.property(cases(6), fc.integer({ min: 1, max: 7 }), ({ scores, truth }, n) => {
        const g = sum(truth);
        const average = (figure: (ranked: number[]) => number) => (g === 0 ? null : overTies(scores, truth, figure));
        const size = scores.length;
        expectClose(
          exam(scores, truth),
          average((ranked) => (ranked.indexOf(1) + 1) / size),
        );
        expectClose(
          meanExam(scores, truth),
          average((ranked) => sum(ranked.map((y, i) => y * (i + 1))) / g / size),
        );
        expectClose(topN(scores, truth, n), average((ranked) => Number(ranked.slice(0, n).includes(1))) ?? 0);
        expectClose(
          recallAt(scores, truth, n),
          average((ranked) => sum(ranked.slice(0, n)) / g),
        );
        expectClose(
          precisionAtG(scores, truth),
          average((ranked) => sum(ranked.slice(0, g)) / g),
        );
      }),
      { numRuns: 60 },
    );
  });

  it("do not depend on the order of the neurons nor on a monotone change of the scores", () => {
    fc.assert(
      fc.property(cases(30), ({ scores, truth }) => {
        for (const metric of [auroc, averagePrecision, exam, meanExam, precisionAtG]) {
          const value = metric(scores, truth);
          expectClose(metric(scores.toReversed(), truth.toReversed()), value);
          expectClose(
            metric(
              scores.map((s) => Math.exp(3 * s) - 7),
              truth,
            ),
            value,
          );
        }
      }),
    );
  });

  it("macro average skips layers without true neurons", () => {
    const scores = Float64Array.from([1, 2, 9, 9, 2, 1]);
    const truth = Uint8Array.from([0, 1, 0, 0, 0, 1]);
    expect(layerMacro(auroc, [2, 2, 2], scores, truth)).toBe(0.5);
    expect(layerMacro(auroc, [2, 2, 2], scores, new Uint8Array(6))).toBeNull();
  });
});
