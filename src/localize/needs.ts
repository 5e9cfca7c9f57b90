import { type Network, outputsOf, stateShapes, unitsOf } from "../graph/network.ts";
import { type Share, type Unit, weightsOf } from "../graph/units.ts";
import type { BlindTask } from "../tasks/task.ts";
import { hasFeedForward } from "./feed-forward.ts";

/** What a criterion may need of a network and its task, in words. */
export const NEEDS = {
  "batch-norm": "a batch norm behind every layer of neurons",
  "norm-or-hidden": "a batch norm behind every layer of neurons but hidden linear ones before the outputs",
  "norm-or-feed-forward":
    "a batch norm behind every layer of neurons but hidden linear ones before the outputs, or feed-forward layers behind norms",
  convolution: "neurons that are channels of convolutions",
  classes: "classes to choose from",
  targets: "classes, or other targets, to choose from",
  pixels: "images as input",
  files: "samples that can be given to a program as files",
  "patch-or-words":
    "images as input, classes to choose from and convolutions with batch norm, or words as input and feed-forward layers behind norms",
  reversible: "images or words as input, and classes or other targets to choose from",
} as const;
export type Need = keyof typeof NEEDS;

/** What of a task decides. */
export type JudgedTask = Pick<BlindTask, "traits" | "handout">;

function has(network: Network, task: JudgedTask, need: Need): boolean {
  const { traits } = task;
  const units = unitsOf(network);
  switch (need) {
    case "batch-norm":
      return units.length > 0 && units.every(isNormalised);
    case "norm-or-hidden":
      return units.some(isNormalised) && units.every((unit) => isNormalised(unit) || isLastHidden(network, unit));
    case "norm-or-feed-forward":
      return has(network, task, "norm-or-hidden") || hasFeedForward(network);
    case "convolution":
      return units.length > 0 && units.every((unit) => isFilter(network, weightsOf(unit)));
    case "classes":
      return traits.includes(need) && outputsOf(network) > 1 && network.nodes.at(-1)?.op === "linear";
    case "targets":
      return traits.includes("goals") || has(network, task, "classes");
    case "pixels":
      return traits.includes(need) && network.input.height * network.input.width > 1;
    case "files":
      return task.handout !== undefined || (traits.includes("pixels") && traits.includes("classes"));
    case "patch-or-words": {
      const patch: Need[] = ["batch-norm", "convolution", "classes", "pixels"];
      if (traits.includes("words")) return hasFeedForward(network);
      return patch.every((part) => has(network, task, part));
    }
    case "reversible":
      return traits.includes("words") || (has(network, task, "targets") && has(network, task, "pixels"));
  }
}

/** The first thing that a criterion needs and a network or its task lacks; null: the criterion can judge it. */
export function unmetNeed(
  { needs = [] }: { needs?: readonly Need[] },
  network: Network,
  task: JudgedTask,
): Need | null {
  return needs.find((need) => !has(network, task, need)) ?? null;
}

/** Whether a batch norm follows a unit. */
function isNormalised({ owned }: Unit): boolean {
  return owned.some(({ role }) => role === "gain");
}

/** Whether a unit is a hidden layer that the last one alone reads, so that a neuron's column is all it does. */
function isLastHidden(network: Network, { owned }: Unit): boolean {
  const last = network.nodes.at(-1);
  return owned.some(({ role, key }) => role === "outgoing" && key === `${last?.id}.weight`);
}

/** Whether a neuron's weights are a convolution's: `[out, in, kh, kw]`. */
function isFilter(network: Network, { key }: Share): boolean {
  return stateShapes(network).get(key)!.length === 4;
}
