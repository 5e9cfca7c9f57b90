import { goalOf, isEligible, succeeds as reachesGoal, passes as reachesTest } from "./goals.ts";
import { decodeLanes, gridOfLogits } from "./labels.ts";
import type { Lane, LaneSet } from "./lane.ts";
import { scoreFrame } from "./metric.ts";
import { fromSlots } from "./slots.ts";

// What the task says of outputs (`Task`), without anything of Node: the page says the same.

/** The lanes that a network's output says. */
export function lanesOf(output: Float32Array, { labels }: LaneSet, i: number): Lane[] {
  return fromSlots(decodeLanes(output, gridOfLogits(output.length), labels[i].rows));
}

/** How many lanes there are, as people say it. */
export function lanesInWords(count: number): string {
  return count === 0 ? "no lane" : count === 1 ? "1 lane" : `${count} lanes`;
}

/** An answer in a few words, for people. */
export function answerInWords(output: Float32Array, set: LaneSet, i: number): string {
  return `${lanesInWords(lanesOf(output, set, i).length)}, accuracy ${quality(output, set, i).toFixed(2)}`;
}

/** TuSimple's accuracy of one frame. */
export function quality(output: Float32Array, set: LaneSet, i: number): number {
  return scoreFrame(lanesOf(output, set, i), set.labels[i]).accuracy;
}

/** Whether the accuracy reaches .85. */
export function passes(output: Float32Array, set: LaneSet, i: number): boolean {
  return reachesTest(lanesOf(output, set, i), set.labels[i]);
}

/** Whether the output is what the goal wants. @param target the goal's number */
export function succeeds(output: Float32Array, set: LaneSet, i: number, target: number): boolean {
  return reachesGoal(goalOf(target), lanesOf(output, set, i), set.labels[i]);
}

/** Ascending indices of the frames that can show the goal. */
export function eligible({ labels }: LaneSet, target: number): number[] {
  const goal = goalOf(target);
  return labels.flatMap((truth, i) => (isEligible(goal, truth) ? [i] : []));
}
