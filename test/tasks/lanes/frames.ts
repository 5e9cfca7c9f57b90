import type { LaneSet } from "../../../src/tasks/lanes/lane.ts";

export const [HEIGHT, WIDTH] = [2, 40];
const ROWS = [300, 500, 700];
/** Two frames whose pixels tell their column; the first has an ego lane and one to the right that is partly outside. */
export const SET: LaneSet = {
  count: 2,
  height: HEIGHT,
  width: WIDTH,
  pixels: Uint8Array.from({ length: 2 * 3 * HEIGHT * WIDTH }, (_, i) => i % WIDTH),
  labels: [
    {
      rows: ROWS,
      lanes: [
        [-2, 500, 300],
        [900, 1100, 1270],
      ],
    },
    { rows: ROWS, lanes: [[640, 640, 640]] },
  ],
};
