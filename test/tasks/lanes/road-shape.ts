import { isSeen, type LaneLabels } from "../../../src/tasks/lanes/lane.ts";
import { fitLine, type Point, pointsOf } from "../../../src/tasks/lanes/line-fit.ts";
import { EGO_LEFT, EGO_RIGHT, intoSlots } from "../../../src/tasks/lanes/slots.ts";

/** What is measured of labels to hold drawn roads against real ones: 5th, 50th and 95th percentile. */
export interface RoadShape {
  /** Row where the lines through the near parts of the car's own boundaries meet. */
  horizon: number[];
  /** Pixels between these lines at row 710. */
  egoWidth: number[];
  /** Their middle there, from the picture's middle. */
  egoCentre: number[];
  /** Absolute quadratic coefficient of the longest lane, in pixels per (100 pixels)². */
  bend: number[];
  /** Rows over which a lane is labelled. */
  rowsSeen: number[];
  /** Share of frames with 2, 3, 4 and 5 lanes. */
  lanes: number[];
}

const NEAR_ROW = 400;
const FOOT_ROW = 710;

export function roadShape(frames: readonly LaneLabels[]): RoadShape {
  const found = { horizon: [], egoWidth: [], egoCentre: [], bend: [], rowsSeen: [] } as Record<string, number[]>;
  const lanes = [0, 0, 0, 0];
  for (const labels of frames) {
    const { rows } = labels;
    const seen = labels.lanes.map((lane) => pointsOf(lane, rows)).filter((points) => points.length > 0);
    if (seen.length >= 2 && seen.length <= 5) lanes[seen.length - 2]++;
    for (const points of seen) found.rowsSeen.push(points.length);
    const longest = seen.reduce((a, b) => (b.length > a.length ? b : a), [] as Point[]);
    if (longest.length >= 10) found.bend.push(Math.abs(quadratic(longest)));
    const slots = intoSlots(labels);
    const near = [EGO_LEFT, EGO_RIGHT].map((slot) => {
      const lane = slots[slot];
      return lane ? pointsOf(lane, rows).filter(({ x, y }) => isSeen(x) && y >= NEAR_ROW) : [];
    });
    if (near.some((points) => points.length < 4)) continue;
    const [left, right] = near.map(fitLine);
    found.horizon.push((left.offset - right.offset) / (right.slope - left.slope));
    const [a, b] = [left, right].map(({ slope, offset }) => slope * FOOT_ROW + offset);
    found.egoWidth.push(b - a);
    found.egoCentre.push((a + b) / 2 - 640);
  }
  const ends = (values: number[]) => {
    const sorted = [...values].sort((a, b) => a - b);
    return [0.05, 0.5, 0.95].map((p) => sorted[Math.round(p * (sorted.length - 1))]);
  };
  return {
    horizon: ends(found.horizon),
    egoWidth: ends(found.egoWidth),
    egoCentre: ends(found.egoCentre),
    bend: ends(found.bend),
    rowsSeen: ends(found.rowsSeen),
    lanes: lanes.map((count) => count / frames.length),
  };
}

/** The quadratic coefficient of x over y/100 by least squares. */
function quadratic(points: readonly Point[]): number {
  const t = points.map(({ y }) => (y - points[0].y) / 100);
  const sum = (of: (i: number) => number) => points.reduce((total, _, i) => total + of(i), 0);
  const [s0, s1, s2, s3, s4] = [0, 1, 2, 3, 4].map((p) => sum((i) => t[i] ** p));
  const [b0, b1, b2] = [0, 1, 2].map((p) => sum((i) => points[i].x * t[i] ** p));
  const minor = (a: number, b: number, c: number, d: number) => a * d - b * c;
  const determinant = s0 * minor(s2, s3, s3, s4) - s1 * minor(s1, s3, s2, s4) + s2 * minor(s1, s2, s2, s3);
  return (s0 * minor(s2, b1, s3, b2) - s1 * minor(s1, b1, s2, b2) + b0 * minor(s1, s2, s2, s3)) / determinant;
}
