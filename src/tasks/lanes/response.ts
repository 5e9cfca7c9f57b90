import { type Network, outputsOf } from "../../graph/network.ts";
import { linearResponse } from "../../graph/objectives/linear.ts";
import type { Response } from "../objectives.ts";
import { goalLabels, goalOf } from "./goals.ts";
import { gridOfLogits } from "./labels.ts";
import type { LaneSet } from "./lane.ts";
import { writeResponse } from "./objectives/targets.ts";

/** `r = (1/|D|) Σ_D [z_wanted − z_true]` (docs/lanes.md). */
export const response: Response = {
  objective: linearResponse,
  feeds(samples: LaneSet, target: number, start: number, batch: number, network: Network) {
    const size = outputsOf(network);
    const direction = new Float32Array(batch * size);
    const count = Math.min(batch, samples.count - start);
    for (let k = 0; k < count; k++) writeDirection(samples, start + k, target, direction, k * size, size);
    return new Map([["direction", direction]]);
  },
  of(output: Float32Array, samples: LaneSet, i: number, target: number) {
    const direction = new Float32Array(output.length);
    writeDirection(samples, i, target, direction, 0, output.length);
    return output.reduce((sum, z, at) => sum + z * direction[at], 0);
  },
};

function writeDirection(
  { labels }: LaneSet,
  i: number,
  target: number,
  into: Float32Array,
  at: number,
  size: number,
): void {
  writeResponse(goalLabels(goalOf(target), labels[i]), labels[i], gridOfLogits(size), into, at);
}
