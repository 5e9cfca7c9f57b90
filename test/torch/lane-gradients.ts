import type { Random } from "../../src/core/random.ts";
import { classesOf, type LaneGrid } from "../../src/tasks/lanes/labels.ts";
import { writeTargets } from "../../src/tasks/lanes/objectives/targets.ts";

/** One-hot targets of random classes. */
export function randomTargets(grid: LaneGrid, batch: number, random: Random): Float32Array {
  const cells = grid.anchors.length * 4;
  const outputs = classesOf(grid) * cells;
  const targets = new Float32Array(batch * outputs);
  for (let i = 0; i < batch; i++) {
    const classes = Uint8Array.from({ length: cells }, () => random.below(classesOf(grid)));
    writeTargets(classes, grid, targets, i * outputs);
  }
  return targets;
}

/** 1 less the cosine of the angle between two gradients. */
export function apart(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * y[i], 0);
  return 1 - dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
