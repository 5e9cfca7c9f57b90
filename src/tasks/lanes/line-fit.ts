import { isSeen, type Lane } from "./lane.ts";

/** `x = slope·y + offset`. */
export interface Line {
  slope: number;
  offset: number;
}

/** A point of a lane. */
export interface Point {
  x: number;
  y: number;
}

/** Where a lane is seen, in the order of the rows. */
export function pointsOf(lane: Lane, rows: readonly number[]): Point[] {
  return rows.flatMap((y, i) => (isSeen(lane[i]) ? [{ x: lane[i], y }] : []));
}

/** The least-squares line of x over y; through fewer than two rows the upright one. @param points at least one */
export function fitLine(points: readonly Point[]): Line {
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / points.length;
  let covariance = 0;
  let variance = 0;
  for (const { x, y } of points) {
    covariance += (y - meanY) * (x - meanX);
    variance += (y - meanY) * (y - meanY);
  }
  const slope = variance > 0 ? covariance / variance : 0;
  return { slope, offset: meanX - slope * meanY };
}
