import { FRAME, type Lane, type LaneLabels, seenLanes } from "./lane.ts";
import { fitLine, pointsOf } from "./line-fit.ts";

/** A lane for each slot: 0 outer-left, 1 ego-left, 2 ego-right, 3 outer-right; null where there is none. */
export type SlottedLanes = [Lane | null, Lane | null, Lane | null, Lane | null];

export const SLOTS = 4;
export const EGO_LEFT = 1;
export const EGO_RIGHT = 2;

/** Points nearer than this row say where a lane meets the car. */
const NEAR_ROW = 400;
const FEWEST_NEAR = 4;
const LAST_ROW = 710;

/**
 * Puts lanes into slots by where the line through their near points meets row 710: those left of the middle fill 1, then 0; the
 * others 2, then 3. A fifth lane, which TuSimple labels while the car changes lanes, has no slot.
 */
export function intoSlots({ rows, lanes }: LaneLabels): SlottedLanes {
  const placed = seenLanes(lanes).map((lane) => ({ lane, x: footOf(lane, rows) }));
  const left = placed.filter(({ x }) => x < FRAME.width / 2).sort((a, b) => b.x - a.x);
  const right = placed.filter(({ x }) => x >= FRAME.width / 2).sort((a, b) => a.x - b.x);
  const at = (side: typeof placed, i: number) => side[i]?.lane ?? null;
  return [at(left, 1), at(left, 0), at(right, 0), at(right, 1)];
}

/** The lanes of the slots, without empty ones. */
export function fromSlots(slots: SlottedLanes): Lane[] {
  return slots.filter((lane) => lane !== null);
}

function footOf(lane: Lane, rows: readonly number[]): number {
  const points = pointsOf(lane, rows);
  const near = points.filter(({ y }) => y >= NEAR_ROW);
  const { slope, offset } = fitLine(near.length < FEWEST_NEAR ? points : near);
  return slope * LAST_ROW + offset;
}
