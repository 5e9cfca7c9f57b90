import { describe, expect, it } from "vitest";
import { bestThreshold, topMean } from "../../../src/localize/learned/gate.ts";

describe("bestThreshold", () => {
  it("parts what can be parted, at the least of the infected", () => {
    expect(bestThreshold([5, 4, 3], [2, 1, 0])).toBe(3);
  });

  it("takes the highest of equals, and gives up an infected one where that spares others", () => {
    // At 4 half of the infected and no other; at 1 all of both.
    expect(bestThreshold([5, 4, 1, 1], [3, 3, 2, 2])).toBe(4);
    expect(bestThreshold([2, 2], [2, 2])).toBe(2);
  });
});

describe("topMean", () => {
  it("is the mean of the five largest, or of all where there are fewer", () => {
    expect(topMean([1, 9, 2, 8, 3, 7, 4, 6, 5])).toBe(7);
    expect(topMean(Float64Array.of(1, 2))).toBe(1.5);
  });
});
