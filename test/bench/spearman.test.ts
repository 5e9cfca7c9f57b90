import { expect, it } from "vitest";
import { spearman } from "../../bench/spearman.ts";

it("correlates ranks, ties averaged", () => {
  expect(spearman([1, 2, 3, 4], [10, 20, 30, 4000])).toBeCloseTo(1, 12);
  expect(spearman([1, 2, 3, 4], [4, 3, 2, 1])).toBeCloseTo(-1, 12);
  // Ranks 1 2.5 2.5 4 against 1 2 3 4: 4.5 / √(4.5 · 5).
  expect(spearman([0, 7, 7, 9], [1, 2, 3, 4])).toBeCloseTo(4.5 / Math.sqrt(4.5 * 5), 12);
  expect(spearman([1, 1, 1], [1, 2, 3])).toBeNull();
});
