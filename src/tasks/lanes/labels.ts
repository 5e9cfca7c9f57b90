import { ABSENT, FRAME, isSeen, type Lane, type LaneLabels } from "./lane.ts";
import { fitLine, type Point } from "./line-fit.ts";
import { intoSlots, SLOTS, type SlottedLanes } from "./slots.ts";

/**
 * How a network writes lanes: for each slot and each row anchor one of `cells` places across the picture, or the class `cells`,
 * which says that there is no lane (Qin et al., Ultra Fast Structure-aware Deep Lane Detection, ECCV 2020).
 */
export interface LaneGrid {
  /** Row anchors: y in pixels of a 1280×720 picture, ascending, in equal steps. */
  anchors: readonly number[];
  cells: number;
}

function everyRow(first: number, last: number, step: number): number[] {
  return Array.from({ length: (last - first) / step + 1 }, (_, i) => first + i * step);
}

/** The released networks' grid: 56 rows, 100 cells. */
export const FULL_GRID: LaneGrid = { anchors: everyRow(160, 710, 10), cells: 100 };
/** The reduced networks' grid: 28 rows, 50 cells. */
export const REDUCED_GRID: LaneGrid = { anchors: everyRow(160, 700, 20), cells: 50 };

/** The grid's classes for one slot at one row, the absent class included. */
export function classesOf({ cells }: LaneGrid): number {
  return cells + 1;
}

/** How many logits a network has for one picture: `[cells + 1, rows, 4]`. */
export function logitsOf(grid: LaneGrid): number {
  return classesOf(grid) * grid.anchors.length * SLOTS;
}

/** The grid of a network with so many logits. @throws Error where no grid has */
export function gridOfLogits(logits: number): LaneGrid {
  const grid = [FULL_GRID, REDUCED_GRID].find((known) => logitsOf(known) === logits);
  if (!grid) throw new Error(`no grid of lanes has ${logits} logits`);
  return grid;
}

export interface EncodeOptions {
  /** Whether lanes that end before the lowest anchor go on to it by a line through their lower half, as the source trains. */
  extend: boolean;
}

/** Fewer points than these say too little of where a lane goes on. */
const FEWEST_TO_EXTEND = 6;

/**
 * The class of each row and slot.
 *
 * @returns `[rows, 4]`: a cell from 0, or `grid.cells` where there is no lane
 */
export function encodeLanes(labels: LaneLabels, grid: LaneGrid, { extend }: EncodeOptions): Uint8Array {
  const classes = new Uint8Array(grid.anchors.length * SLOTS).fill(grid.cells);
  const spacing = (FRAME.width - 1) / (grid.cells - 1);
  const rowOf = new Map(labels.rows.map((row, i) => [row, i]));
  for (const [slot, lane] of intoSlots(labels).entries()) {
    if (!lane) continue;
    const xs = grid.anchors.map((anchor) => lane[rowOf.get(anchor) ?? -1] ?? ABSENT);
    if (extend) extendDown(xs, grid.anchors);
    for (const [r, x] of xs.entries()) {
      if (isSeen(x)) classes[r * SLOTS + slot] = Math.min(Math.floor(x / spacing), grid.cells - 1);
    }
  }
  return classes;
}

function extendDown(xs: number[], anchors: readonly number[]): void {
  const points: Point[] = anchors.flatMap((y, i) => (isSeen(xs[i]) ? [{ x: xs[i], y }] : []));
  if (points.length < FEWEST_TO_EXTEND) return;
  const last = points[points.length - 1].y;
  const { slope, offset } = fitLine(points.slice(Math.floor(points.length / 2)));
  for (const [i, y] of anchors.entries()) {
    if (y <= last) continue;
    const x = slope * y + offset;
    xs[i] = x >= 0 && x <= FRAME.width - 1 ? x : ABSENT;
  }
}

/**
 * Lanes from logits. Where the absent class is highest there is no lane; else the place is the expectation over the cells. Rows between
 * two seen anchors lie on the line between them; rows after the last anchor on the line through the last two. A lane seen at fewer than
 * two anchors is dropped.
 *
 * @param logits `[cells + 1, rows, 4]` from `at` on
 * @param rows y of the rows to fill, ascending
 */
export function decodeLanes(logits: Float32Array, grid: LaneGrid, rows: readonly number[], at = 0): SlottedLanes {
  const slots: SlottedLanes = [null, null, null, null];
  for (let slot = 0; slot < SLOTS; slot++) {
    const xs = grid.anchors.map((_, r) => placeOf(logits, grid, at + r * SLOTS + slot));
    if (xs.filter((x) => x !== null).length < 2) continue;
    const lane: Lane = rows.map((row) => rounded(between(xs, grid.anchors, row)));
    if (lane.some(isSeen)) slots[slot] = lane;
  }
  return slots;
}

/** Of every row and slot the index of its highest logit, of `[cells + 1, rows, 4]`; the first where several tie. */
export function highestCells(logits: Float32Array, grid: LaneGrid): number[] {
  const step = grid.anchors.length * SLOTS;
  return Array.from({ length: step }, (_, cell) => {
    let highest = cell;
    for (let k = 1; k < classesOf(grid); k++) if (logits[cell + k * step] > logits[highest]) highest = cell + k * step;
    return highest;
  });
}

/** x of one row of one slot; null where the network sees no lane there. */
function placeOf(logits: Float32Array, { anchors, cells }: LaneGrid, first: number): number | null {
  const step = anchors.length * SLOTS;
  let highest = 0;
  for (let k = 1; k < cells; k++) if (logits[first + k * step] > logits[first + highest * step]) highest = k;
  const most = logits[first + highest * step];
  if (logits[first + cells * step] > most) return null;
  let sum = 0;
  let weighted = 0;
  for (let k = 0; k < cells; k++) {
    const share = Math.exp(logits[first + k * step] - most);
    sum += share;
    weighted += k * share;
  }
  return ((weighted / sum + 0.5) * FRAME.width) / (cells - 1);
}

function between(xs: readonly (number | null)[], anchors: readonly number[], row: number): number | null {
  const exact = anchors.indexOf(row);
  if (exact >= 0) return xs[exact];
  const step = anchors[1] - anchors[0];
  const last = anchors.length - 1;
  if (row < anchors[0] || row > anchors[last] + step) return null;
  const before = Math.min(Math.floor((row - anchors[0]) / step), last - 1);
  const [a, b] = [xs[before], xs[before + 1]];
  return a === null || b === null ? null : a + ((row - anchors[before]) / step) * (b - a);
}

function rounded(x: number | null): number {
  if (x === null) return ABSENT;
  const whole = Math.round(x);
  return whole >= 0 && whole < FRAME.width ? whole : ABSENT;
}
