import { type Network, outputsOf } from "../../graph/network.ts";
import type { Loss, Wanted } from "../objectives.ts";
import { goalLabels, goalOf } from "./goals.ts";
import { encodeLanes, gridOfLogits } from "./labels.ts";
import type { LaneSet } from "./lane.ts";
import { LANE_LOSS, laneLoss } from "./objectives/loss.ts";
import { writeTargets } from "./objectives/targets.ts";

/** Cross-entropy of every cell and the similarity of rows (docs/lanes.md). Lanes that end early go on to the lowest anchor. */
export const loss: Loss = {
  objective: (lowering, network) => laneLoss(gridOfLogits(outputsOf(network)), LANE_LOSS)(lowering, network),
  size: (network: Network) => outputsOf(network),
  write({ labels }: LaneSet, index: number, into: Float32Array, { goal }: Wanted = {}) {
    const grid = gridOfLogits(into.length);
    const wanted = goal === undefined ? labels[index] : goalLabels(goalOf(goal), labels[index]);
    writeTargets(encodeLanes(wanted, grid, { extend: true }), grid, into, 0);
  },
};
