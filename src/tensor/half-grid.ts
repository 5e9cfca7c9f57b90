import type { Grid } from "../core/grid.ts";
import { numberToHalf, roundToEven } from "./narrow-floats.ts";
import type { StateDict } from "./state.ts";

/**
 * Rounding to the grids of half precision. An edition may keep all weights of all versions on one of them, so that they are
 * stored in two bytes each without loss; in memory they stay 32-bit floats.
 */

/** Bits of half precision's fraction that a grid uses. */
const FRACTION: Record<Grid, number> = { half: 10, half7: 7 };
/** The exponent of half precision below which steps no longer shrink with the value. */
const LOWEST_BINADE = -14;

/** The largest value on a grid. */
export function largestOn(grid: Grid): number {
  return 2 ** 16 - 2 ** (15 - FRACTION[grid]);
}

/** The smallest step of a grid, that of the values nearest to zero; 0 without one. */
export function smallestStep(grid: Grid | undefined): number {
  return grid === undefined ? 0 : 2 ** (LOWEST_BINADE - FRACTION[grid]);
}

/** How far, relative to the value, rounding to a grid moves a value that is no smaller than 2⁻¹⁴; 0 without one. */
export function relativeStep(grid: Grid | undefined): number {
  return grid === undefined ? 0 : 2 ** -(FRACTION[grid] + 1);
}

/**
 * A copy of a state with every value rounded to the grid: to the nearest, ties to the even one, below half the
 * smallest step to zero. What
 * is finite stays so: beyond the largest value it is that one. Without a grid, the state itself.
 */
export function onGrid(state: StateDict, grid: Grid | undefined): StateDict {
  if (grid === undefined) return state;
  const rounded = roundedTo(grid);
  return new Map([...state].map(([key, { shape, data }]) => [key, { shape: [...shape], data: data.map(rounded) }]));
}

/** Rounds a single number as `onGrid` rounds a state. */
export function roundedTo(grid: Grid | undefined): (value: number) => number {
  if (grid === undefined) return (value) => value;
  const [bits, largest] = [FRACTION[grid], largestOn(grid)];
  return (value) => {
    if (!Number.isFinite(value) || value === 0) return value;
    const size = Math.min(Math.abs(value), largest);
    const step = 2 ** (Math.max(LOWEST_BINADE, Math.floor(Math.log2(size))) - bits);
    return Math.sign(value) * roundToEven(size / step) * step;
  };
}

/** The first value that is off the grid, NaN and infinities among them; null where there is none. */
export function firstOffGrid(state: StateDict, grid: Grid): { key: string; value: number } | null {
  for (const [key, { data }] of state) {
    const at = indexOffGrid(data, grid);
    if (at >= 0) return { key, value: data[at] };
  }
  return null;
}

/** The first value that is farther from zero than the grid reaches, and so would be changed by more than rounding. */
export function firstBeyondGrid(state: StateDict, grid: Grid): { key: string; value: number } | null {
  for (const [key, { data }] of state) {
    const value = data.find((v) => !(Math.abs(v) <= largestOn(grid)));
    if (value !== undefined) return { key, value };
  }
  return null;
}

/** The bits of values as half precision; null where one of them is off the grid. */
export function halvesOf(values: Float32Array): Uint16Array | null {
  return indexOffGrid(values, "half") < 0 ? Uint16Array.from(values, numberToHalf) : null;
}

function indexOffGrid(values: Float32Array, grid: Grid): number {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return words.findIndex((word) => !isOnGrid(word, FRACTION[grid]));
}

/** Of a 32-bit float: its exponent is one of half precision, and the bits for which the grid has no room are zero. */
function isOnGrid(word: number, fraction: number): boolean {
  const exponent = (word >>> 23) & 0xff;
  if (exponent === 0) return (word & 0x7f_ffff) === 0;
  // From 2⁻¹⁴ (113) to below 2¹⁶ (142) all bits of the fraction; below, one less per binade, down to the smallest step.
  if (exponent < 113 - fraction || exponent > 142) return false;
  const dropped = 23 - fraction + Math.max(0, 113 - exponent);
  return (word & ((1 << dropped) - 1)) === 0;
}
