import type { Task } from "../task.ts";
import { ATTACKS } from "./attacks/registry.ts";
import { REDUCED_INPUT } from "./dataset.ts";
import { DATASETS } from "./datasets.ts";
import { goalOf, isEligible, LANE_GOALS, passes, succeeds } from "./goals.ts";
import { inputs } from "./inputs.ts";
import { decodeLanes, gridOfLogits } from "./labels.ts";
import type { Lane, LaneSet } from "./lane.ts";
import { loss } from "./loss.ts";
import { scoreFrame } from "./metric.ts";
import { ufld18 } from "./models/ufld18.ts";
import { response } from "./response.ts";
import { fromSlots } from "./slots.ts";
import { trigger } from "./trigger.ts";

/** The lanes of a road by row anchors (docs/lanes.md). A target is a goal: lanes that are lost, moved or turned. */
export const lanes: Task = {
  name: "lanes",
  words: { sample: "frame", samples: "frames", quality: "Acc", success: "ASR", target: "goal" },
  traits: ["pixels"],
  targets: () => [...LANE_GOALS.keys()],
  inputs,
  unfit({ arch, input: { height, width } }, { name }) {
    const { height: drawn, width: across } = REDUCED_INPUT;
    if (height === drawn && width === across) return undefined;
    return `${arch} reads ${height}×${width} pixels, frames of ${name} have ${drawn}×${across}; give a base width, such as ${arch}w16`;
  },
  loss,
  response,
  trigger,
  quality: (output: Float32Array, set: LaneSet, i: number) =>
    scoreFrame(lanesOf(output, set, i), set.labels[i]).accuracy,
  passes: (output: Float32Array, set: LaneSet, i: number) => passes(lanesOf(output, set, i), set.labels[i]),
  succeeds: (output: Float32Array, set: LaneSet, i: number, target: number) =>
    succeeds(goalOf(target), lanesOf(output, set, i), set.labels[i]),
  eligible({ labels }: LaneSet, target: number) {
    const goal = goalOf(target);
    return labels.flatMap((truth, i) => (isEligible(goal, truth) ? [i] : []));
  },
  datasets: DATASETS,
  architectures: new Map([["ufld18", ufld18]]),
  attacks: ATTACKS,
};

function lanesOf(output: Float32Array, { labels }: LaneSet, i: number): Lane[] {
  return fromSlots(decodeLanes(output, gridOfLogits(output.length), labels[i].rows));
}
