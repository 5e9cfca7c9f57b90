import type { Samples } from "../core/samples.ts";
import type { Task } from "../tasks/task.ts";

/** The outputs `[count, width]` of some samples, one row each. */
export function rowOf(outputs: Float32Array, count: number, i: number): Float32Array {
  const width = outputs.length / count;
  return outputs.subarray(i * width, (i + 1) * width);
}

/** The quality of a model by its outputs for some samples. */
export function qualityOf(task: Pick<Task, "quality">, outputs: Float32Array, samples: Samples): number {
  const { count } = samples;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += task.quality(rowOf(outputs, count, i), samples, i);
  return sum / count;
}

/** The share of some samples on which a model's outputs are what a backdoor with this target wants. */
export function successOf(
  task: Pick<Task, "succeeds">,
  outputs: Float32Array,
  samples: Samples,
  target: number,
): number {
  const { count } = samples;
  let hits = 0;
  for (let i = 0; i < count; i++) if (task.succeeds(rowOf(outputs, count, i), samples, i, target)) hits++;
  return hits / count;
}

/** The samples on which the success of a backdoor with this target shows, as a set of their own. */
export function eligibleOf({ eligible, inputs }: Pick<Task, "eligible" | "inputs">, samples: Samples, target: number) {
  return inputs.subset(samples, eligible(samples, target));
}
