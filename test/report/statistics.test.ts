import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { friedman } from "../../src/report/statistics/friedman.ts";
import { holm } from "../../src/report/statistics/holm.ts";
import { letters } from "../../src/report/statistics/letters.ts";
import { midranks } from "../../src/report/statistics/ranks.ts";
import { signedRank } from "../../src/report/statistics/wilcoxon.ts";

// Expected values marked SciPy are those of SciPy 1.17.1.

describe("signedRank", () => {
  it("gives the exact p-value without ties", () => {
    // Depression scores before and after, M. Hollander and D. A. Wolfe, Nonparametric Statistical Methods, 1973, p. 29.
    const first = [1.83, 0.5, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.3];
    const second = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];
    const found = signedRank(first.map((value, i) => value - second[i]));
    expect(found).toMatchObject({ n: 9, zeros: 0, plus: 40, minus: 5, method: "exact" });
    expect(found.p).toBeCloseTo(0.0390625, 12);
    // Darwin's maize, SciPy's documentation of `wilcoxon`: statistic 24, p 0.041259765625.
    const maize = signedRank([6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75]);
    expect(maize).toMatchObject({ plus: 96, minus: 24, effect: 72 / 120 });
    expect(maize.p).toBeCloseTo(0.041259765625, 12);
  });

  it("counts out all signs where there are ties and zeros", () => {
    // SciPy: wilcoxon(d, zero_method='pratt', method=PermutationMethod(n_resamples=inf)).
    const found = signedRank([0, 0, 1, 1, -1, 2, 2, 3, -4, 5, 5, 6]);
    expect(found).toMatchObject({ n: 12, zeros: 2, minus: 13 });
    expect(found.p).toBeCloseTo(0.0546875, 12);
  });

  it("agrees with enumeration on few differences", () => {
    const differences = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 7 });
    fc.assert(
      fc.property(differences, (list) => {
        const { plus, minus, p } = signedRank(list);
        const ranks = midranks(list.map(Math.abs)).filter((_, i) => list[i] !== 0);
        let [asFar, all] = [0, 0];
        for (let signs = 0; signs < 2 ** ranks.length; signs++, all++) {
          const sum = ranks.reduce((total, rank, i) => total + (signs & (1 << i) ? rank : -rank), 0);
          if (Math.abs(sum) >= Math.abs(plus - minus)) asFar++;
        }
        expect(p).toBeCloseTo(asFar / all, 12);
      }),
      { numRuns: 200 },
    );
  });

  it("turns to the normal distribution beyond what is counted out", () => {
    // SciPy: wilcoxon(d, zero_method='pratt', method='approx', correction=False).
    const found = signedRank(Array.from({ length: 120 }, (_, i) => (((i + 1) * 37) % 97) - 40));
    expect(found).toMatchObject({ n: 120, zeros: 1, minus: 2540.5, method: "normal" });
    expect(found.p).toBeCloseTo(0.004343109400101425, 12);
  });

  it("shows nothing where there is no difference, and the same for both signs", () => {
    expect(signedRank([0, 0, 0])).toMatchObject({ zeros: 3, p: 1, effect: null });
    const list = [0.3, -0.1, 0.5, 0.2];
    const [one, other] = [signedRank(list), signedRank(list.map((d) => -d))];
    expect(other.p).toBe(one.p);
    expect(other.effect).toBe(-one.effect!);
    expect(signedRank([1, 2, 3, 4, 5, 6])).toMatchObject({ p: 2 / 64, effect: 1 });
  });
});

describe("holm", () => {
  it("gives the adjusted values of the textbook procedure", () => {
    // By hand: 4·0.005, 3·0.01, then 2·0.03, which the last (1·0.04) may not fall below.
    expect(holm([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02]);
    expect(holm([0.6, 0.7])).toEqual([1, 1]);
    expect(holm([])).toEqual([]);
  });
});

/** Ranks of four variants of C4.5 on 14 data sets, J. Demšar, JMLR 7, 2006, table 6; as values, so that larger is better. */
const DEMSAR = [
  ...[
    [4, 3, 2, 1],
    [1, 2, 3, 4],
    [4, 1, 2, 3],
    [4, 1, 3, 2],
    [4, 2, 3, 1],
    [1, 2.5, 4, 2.5],
    [3, 2, 4, 1],
  ],
  ...[
    [2.5, 2.5, 4, 1],
    [4, 3, 2, 1],
    [2.5, 2.5, 2.5, 2.5],
    [4, 2.5, 1, 2.5],
    [3, 2, 4, 1],
    [4, 1, 2, 3],
    [3, 1, 4, 2],
  ],
].map((ranks) => ranks.map((rank) => -rank));

describe("friedman", () => {
  it("gives the published mean ranks, SciPy's statistic, and the p-value of many more permutations", () => {
    const found = friedman(DEMSAR, 1, "demsar");
    expect(found.meanRanks.map((rank) => rank.toFixed(3))).toEqual(["3.143", "2.000", "2.893", "1.964"]);
    expect(found.statistic).toBeCloseTo(10.228346456692925, 10);
    // 200,000 permutations in NumPy; the binomial standard error of ours is 0.0012.
    expect(Math.abs(found.p - 0.01363)).toBeLessThan(0.005);
    expect(friedman(DEMSAR, 1, "demsar")).toEqual(found);
  });

  it("is sure of nothing where all are tied or there is one block", () => {
    const tied = [
      [1, 1, 1],
      [2, 2, 2],
    ];
    expect(friedman(tied, 1, "x")).toMatchObject({ statistic: 0, p: 1, meanRanks: [2, 2, 2] });
    expect(friedman([[3, 2, 1]], 1, "x")).toMatchObject({ p: 1, meanRanks: [1, 2, 3] });
  });
});

describe("letters", () => {
  it("are shared exactly by those that are not told apart", () => {
    expect(letters(3, () => true)).toEqual(["a", "b", "c"]);
    expect(letters(3, () => false)).toEqual(["a", "a", "a"]);
    // Neighbours are alike, the ends are not.
    expect(letters(3, (i, j) => j - i > 1)).toEqual(["a", "ab", "b"]);
    expect(letters(0, () => true)).toEqual([]);
  });

  it("say the same as the table of pairs, whatever it holds", () => {
    const table = fc.array(fc.boolean(), { minLength: 36, maxLength: 36 });
    fc.assert(
      fc.property(table, fc.integer({ min: 1, max: 6 }), (cells, count) => {
        const apart = (i: number, j: number) => cells[6 * i + j];
        const found = letters(count, apart);
        for (let j = 0; j < count; j++) {
          expect(found[j]).not.toBe("");
          for (let i = 0; i < j; i++) {
            const share = [...found[i]].some((letter) => found[j].includes(letter));
            expect(share).toBe(!apart(i, j));
          }
        }
      }),
    );
  });
});
