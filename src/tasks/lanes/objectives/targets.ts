import { encodeLanes, type LaneGrid, logitsOf } from "../labels.ts";
import type { LaneLabels } from "../lane.ts";
import { SLOTS } from "../slots.ts";

/**
 * Writes what the loss compares with: one-hot in the order of the logits, from `at` on.
 *
 * @param classes `[rows, 4]` as `encodeLanes` gives them
 */
export function writeTargets(classes: Uint8Array, grid: LaneGrid, into: Float32Array, at: number): void {
  const cells = grid.anchors.length * SLOTS;
  into.fill(0, at, at + logitsOf(grid));
  for (let cell = 0; cell < cells; cell++) into[at + classes[cell] * cells + cell] = 1;
}

/**
 * Writes the direction of the response `r = (1/|D|) Σ_D [z_wanted − z_true]` over the cells D where wanted and true labels differ. It is 0
 * where they agree everywhere.
 */
export function writeResponse(
  wanted: LaneLabels,
  truth: LaneLabels,
  grid: LaneGrid,
  into: Float32Array,
  at: number,
): void {
  const [to, from] = [wanted, truth].map((labels) => encodeLanes(labels, grid, { extend: false }));
  into.fill(0, at, at + logitsOf(grid));
  const differing = to.reduce((count, k, cell) => count + (k === from[cell] ? 0 : 1), 0);
  for (let cell = 0; cell < to.length; cell++) {
    if (to[cell] === from[cell]) continue;
    into[at + to[cell] * to.length + cell] = 1 / differing;
    into[at + from[cell] * to.length + cell] = -1 / differing;
  }
}
