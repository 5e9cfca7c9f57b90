import { halfToNumber, numberToHalf } from "./narrow-floats.ts";
import type { StateDict } from "./state.ts";

/**
 * The grid of half precision: the finite values that IEEE 754 binary16 holds. An edition may keep all weights of all
 * versions on it, so that they are stored in two bytes each without loss; in memory they stay 32-bit floats.
 */
export const GRIDS = ["half"] as const;
export type Grid = (typeof GRIDS)[number];

/** The largest value on the grid. */
export const LARGEST_HALF = 65_504;
/** The step below 2⁻¹⁴, where steps no longer shrink with the value. */
export const SMALLEST_HALF = 2 ** -24;

/**
 * A copy of a state with every value rounded to the grid: to the nearest, ties to the even one, below 2⁻²⁵ to zero. What
 * is finite stays so: beyond the largest value it is that one. Without a grid, the state itself.
 */
export function onGrid(state: StateDict, grid: Grid | undefined): StateDict {
  if (grid === undefined) return state;
  return new Map([...state].map(([key, { shape, data }]) => [key, { shape: [...shape], data: data.map(rounded) }]));
}

/** Rounds a single number as `onGrid` rounds a state. */
export function roundedTo(grid: Grid | undefined): (value: number) => number {
  return grid === undefined ? (value) => value : rounded;
}

function rounded(value: number): number {
  if (!Number.isFinite(value)) return value;
  return halfToNumber(numberToHalf(Math.max(-LARGEST_HALF, Math.min(LARGEST_HALF, value))));
}

/** The first value that is off the grid, NaN and infinities among them; null where there is none. */
export function firstOffGrid(state: StateDict): { key: string; value: number } | null {
  for (const [key, { data }] of state) {
    const at = indexOffGrid(data);
    if (at >= 0) return { key, value: data[at] };
  }
  return null;
}

/** The first value that is farther from zero than the grid reaches, and so would be changed by more than rounding. */
export function firstBeyondGrid(state: StateDict): { key: string; value: number } | null {
  for (const [key, { data }] of state) {
    const value = data.find((v) => !(Math.abs(v) <= LARGEST_HALF));
    if (value !== undefined) return { key, value };
  }
  return null;
}

/** The bits of values as half precision; null where one of them is off the grid. */
export function halvesOf(values: Float32Array): Uint16Array | null {
  return indexOffGrid(values) < 0 ? Uint16Array.from(values, numberToHalf) : null;
}

function indexOffGrid(values: Float32Array): number {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return words.findIndex((word) => !isHalf(word));
}

/** Of a 32-bit float: its exponent is one of half precision, and the bits that a half has no room for are zero. */
function isHalf(word: number): boolean {
  const exponent = (word >>> 23) & 0xff;
  if (exponent === 0) return (word & 0x7f_ffff) === 0;
  // From 2⁻¹⁴ (113) to below 2¹⁶ (142) ten bits of fraction; below, one less per binade, down to 2⁻²⁴ (103).
  if (exponent < 103 || exponent > 142) return false;
  const dropped = 13 + Math.max(0, 113 - exponent);
  return (word & ((1 << dropped) - 1)) === 0;
}
