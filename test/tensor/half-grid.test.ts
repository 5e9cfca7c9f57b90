import { describe, expect, it } from "vitest";
import { firstBeyondGrid, firstOffGrid, halvesOf, onGrid } from "../../src/tensor/half-grid.ts";
import { halfToNumber } from "../../src/tensor/narrow-floats.ts";
import type { StateDict } from "../../src/tensor/state.ts";

const stateOf = (...values: number[]): StateDict =>
  new Map([["w", { shape: [values.length], data: Float32Array.from(values) }]]);
const roundedOf = (...values: number[]) => [...onGrid(stateOf(...values), "half").get("w")!.data];
const coarseOf = (...values: number[]) => [...onGrid(stateOf(...values), "half7").get("w")!.data];

describe("the grid of half precision", () => {
  it("holds every finite half and no neighbour of one among the floats", () => {
    const finite = Array.from({ length: 1 << 16 }, (_, bits) => bits).filter((bits) => (bits & 0x7c00) !== 0x7c00);
    const values = Float32Array.from(finite, halfToNumber);
    expect([...halvesOf(values)!]).toEqual(finite);
    const state: StateDict = new Map([["w", { shape: [values.length], data: values }]]);
    expect(onGrid(state, "half")).toEqual(state);
    const words = new Uint32Array(values.buffer);
    const neighbours = [1, -1].flatMap((step) =>
      [...words].map((word) => (word & 0x7fff_ffff ? word + step : word + 1)),
    );
    const between = new Float32Array(Uint32Array.from(neighbours).buffer);
    expect(between.findIndex((_, i) => halvesOf(between.subarray(i, i + 1)) !== null)).toBe(-1);
  });

  it("rounds to the nearest, ties to even, small ones to zero with their sign, large ones to the largest", () => {
    expect(roundedOf(0.1, 1 + 2 ** -11, 1 + 3 * 2 ** -11)).toEqual([0.0999755859375, 1, 1 + 2 ** -9]);
    expect(roundedOf(2 ** -24, 1.5 * 2 ** -24, 2 ** -25, -(2 ** -26))).toEqual([2 ** -24, 2 ** -23, 0, -0]);
    expect(roundedOf(65_519, 65_520, 1e9, -1e9)).toEqual([65_504, 65_504, 65_504, -65_504]);
  });

  it("of seven bits is the part of it whose last three bits are zero, and rounds once", () => {
    const finite = Array.from({ length: 1 << 16 }, (_, bits) => bits).filter((bits) => (bits & 0x7c00) !== 0x7c00);
    const values = finite.map(halfToNumber);
    expect(coarseOf(...values.filter((_, i) => (finite[i] & 7) === 0))).toEqual(
      values.filter((_, i) => (finite[i] & 7) === 0),
    );
    for (const [i, value] of values.entries()) {
      const off = firstOffGrid(stateOf(value), "half7");
      expect(off === null, `${value}`).toBe((finite[i] & 7) === 0);
    }
    // A tie of halves that is none of the seven bits': rounded twice it would go up.
    expect(coarseOf(1 + 2 ** -8 - 2 ** -12, 1 + 2 ** -8, 1 + 3 * 2 ** -8)).toEqual([1, 1, 1 + 2 ** -6]);
    expect(coarseOf(2 ** -21, 2 ** -22, 1.5 * 2 ** -22, -1e9)).toEqual([2 ** -21, 0, 2 ** -21, -65_280]);
  });

  it("leaves a state alone without a grid, and the given state with one", () => {
    const state = stateOf(0.1);
    expect(onGrid(state, undefined)).toBe(state);
    onGrid(state, "half");
    expect(state).toEqual(stateOf(0.1));
  });

  it("names the first value off it, and the first beyond it", () => {
    expect(firstOffGrid(stateOf(1, 0.5, 65_504, -0), "half")).toBeNull();
    expect(firstOffGrid(stateOf(1, 0.3), "half")).toEqual({ key: "w", value: Math.fround(0.3) });
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 2 ** -25, 1e9]) {
      expect(firstOffGrid(stateOf(1, value), "half"), `${value}`).toEqual({ key: "w", value: Math.fround(value) });
    }
    expect(firstBeyondGrid(stateOf(0.3, 65_504), "half")).toBeNull();
    expect(firstBeyondGrid(stateOf(0.3, -65_505), "half")).toEqual({ key: "w", value: -65_505 });
    expect(firstBeyondGrid(stateOf(Number.NaN), "half")).toEqual({ key: "w", value: Number.NaN });
  });
});
