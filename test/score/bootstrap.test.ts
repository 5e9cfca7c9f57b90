import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bootstrapMean, type Sampled } from "../../src/score/bootstrap.ts";
import { cellMean } from "../../src/score/cells.ts";

const sample = (value: number, cell = "a", cluster = "f0"): Sampled => ({ value, cell, cluster });

describe("cellMean", () => {
  it("weighs cells, not cases", () => {
    expect(cellMean([sample(0), sample(0), sample(0), sample(1, "b")])).toBe(0.5);
  });
});

describe("bootstrapMean", () => {
  it("keeps the mean inside an interval that values bound, the same every time", () => {
    const values = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 3, maxLength: 12 });
    fc.assert(
      fc.property(values, (list) => {
        const samples = list.map((value, i) => sample(value, `cell ${i % 2}`));
        const found = bootstrapMean(samples, 1, "x")!;
        expect(found).toEqual(bootstrapMean(samples, 1, "x"));
        expect(found.value).toBeCloseTo(cellMean(samples));
        expect(found.low!).toBeGreaterThanOrEqual(Math.min(...list) - 1e-12);
        expect(found.high!).toBeLessThanOrEqual(Math.max(...list) + 1e-12);
      }),
      { numRuns: 20 },
    );
  });

  it("agrees with the normal interval on many values", () => {
    const n = 400;
    const list = Array.from({ length: n }, (_, i) => sample(((i * 7919) % n) / n));
    const { value, low, high } = bootstrapMean(list, 1, "uniform")!;
    const half = 1.96 * Math.sqrt(1 / 12 / n);
    expect(low!).toBeCloseTo(value - half, 2);
    expect(high!).toBeCloseTo(value + half, 2);
  });

  it("is wider where the values are alike inside each clean model", () => {
    const width = (clusterOf: (i: number) => string) => {
      const list = Array.from({ length: 30 }, (_, i) => sample(i % 3, "a", clusterOf(i)));
      const { low, high } = bootstrapMean(list, 1, "clusters")!;
      return high! - low!;
    };
    expect(width((i) => `f${i % 3}`)).toBeGreaterThan(2 * width(() => "f0"));
  });

  it("gives no interval of too few values, and nothing of none", () => {
    expect(bootstrapMean([sample(0.5), sample(1)], 1, "x")).toEqual({ value: 0.75, low: null, high: null });
    expect(bootstrapMean([], 1, "x")).toBeNull();
  });
});
