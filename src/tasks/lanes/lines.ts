import type { DrawnLine } from "../drawing.ts";
import { FRAME, isSeen, type Lane } from "./lane.ts";

/** Lanes as lines; a gap within a lane parts it. */
export function linesOf(lanes: readonly Lane[], rows: readonly number[]): DrawnLine[] {
  return lanes.flatMap((lane) => {
    const parts: [number, number][][] = [[]];
    for (const [r, x] of lane.entries()) {
      if (isSeen(x)) parts.at(-1)!.push([x / FRAME.width, rows[r] / FRAME.height]);
      else if (parts.at(-1)!.length > 0) parts.push([]);
    }
    return parts.filter(({ length }) => length > 1);
  });
}
