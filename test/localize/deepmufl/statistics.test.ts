import { describe, expect, it } from "vitest";
import {
  type ElementOutcome,
  metallaxis,
  museClassic,
  museReleased,
  ochiai,
  sbi,
} from "../../../src/localize/deepmufl/statistics.ts";
import { rankWithTies } from "../../../src/localize/deepmufl/ties.ts";

const totals = { failing: 4, passing: 10 };

/** Mutant 1 mends 2 of 4 failing tests and breaks 1 of 10, mutant 2 mends none, breaks 3 and changes another answer. */
const element: ElementOutcome = {
  mutants: [
    { f2p: 2, p2f: 1, changed: 2 },
    { f2p: 0, p2f: 3, changed: 1 },
  ],
  fixed: 2,
  broken: 3,
};
const idle: ElementOutcome = { mutants: [{ f2p: 0, p2f: 0, changed: 0 }], fixed: 0, broken: 0 };

describe("formulas", () => {
  it("by hand", () => {
    expect(sbi(2, 1, totals)).toBeCloseTo(2 / 3, 12);
    expect(ochiai(2, 1, totals)).toBeCloseTo(2 / Math.sqrt(3 * 4), 12);
    expect(ochiai(4, 0, totals)).toBe(1);
  });

  it("are 0 where no test is impacted", () => {
    expect([sbi(0, 0, totals), ochiai(0, 0, totals)]).toEqual([0, 0]);
  });
});

describe("metallaxis", () => {
  it("takes the most suspicious mutant, by tests that pass or by answers that change", () => {
    expect(metallaxis(element, 1, sbi, totals)).toBeCloseTo(2 / 3, 12);
    expect(metallaxis(element, 2, sbi, totals)).toBeCloseTo(2 / 3, 12);
    const changing = { ...element, mutants: [{ f2p: 0, p2f: 1, changed: 4 }] };
    expect(metallaxis(changing, 1, ochiai, totals)).toBe(0);
    expect(metallaxis(changing, 2, ochiai, totals)).toBeCloseTo(4 / Math.sqrt(5 * 4), 12);
    expect(metallaxis(idle, 1, sbi, totals)).toBe(0);
  });

  it("gives 1 to an element of which a mutant mends every failing test and breaks none", () => {
    const mends = { mutants: [{ f2p: 4, p2f: 0, changed: 4 }], fixed: 4, broken: 0 };
    expect(metallaxis(mends, 1, sbi, totals)).toBe(1);
    expect(metallaxis(mends, 1, ochiai, totals)).toBe(1);
    expect(museReleased(mends, totals)).toBe(1);
    expect(museClassic(mends, totals)).toBe(1);
  });
});

describe("MUSE", () => {
  it("as released: α = (2/4)·(3/10), mean of |f2p/4 − α·p2f/10|", () => {
    const alpha = 0.5 * 0.3;
    const expected = (Math.abs(0.5 - alpha * 0.1) + Math.abs(0 - alpha * 0.3)) / 2;
    expect(museReleased(element, totals)).toBeCloseTo(expected, 12);
  });

  it("as published: α = (2/4)·(10/3), without the absolute value", () => {
    const alpha = 0.5 * (10 / 3);
    const expected = (0.5 - alpha * 0.1 + (0 - alpha * 0.3)) / 2;
    expect(museClassic(element, totals)).toBeCloseTo(expected, 12);
    expect(museClassic({ ...element, mutants: element.mutants.slice(1) }, totals)).toBeLessThan(0);
  });

  it("is 0 for an idle element, and where there are no passing tests counts the failing ones", () => {
    expect([museReleased(idle, totals), museClassic(idle, totals)]).toEqual([0, 0]);
    const alone = { failing: 4, passing: 0 };
    expect(museReleased({ mutants: [{ f2p: 4, p2f: 0, changed: 4 }], fixed: 4, broken: 0 }, alone)).toBe(1);
  });
});

describe("ranks with ties broken", () => {
  it("orders by the first number, then the second, over all layers", () => {
    expect(rankWithTies({ a: [0.5, 0, 0.5], b: [0, 0.9] }, { a: [0.1, 0, 0.2], b: [0, 0] })).toEqual({
      a: [1 / 3, 0, 2 / 3],
      b: [0, 1],
    });
  });

  it("is 0 everywhere where all are equal", () => {
    expect(rankWithTies({ a: [0.4, 0.4] }, { a: [1, 1] })).toEqual({ a: [0, 0] });
  });
});
