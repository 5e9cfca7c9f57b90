import { argmax } from "../core/argmax.ts";
import { indicesOutside, subset } from "../images/batch.ts";
import type { ImageSet } from "../images/image-set.ts";
import { stampSet } from "../images/trigger/stamp.ts";
import type { Backdoor } from "../tasks/backdoor.ts";
import type { StateDict } from "../tensor/state.ts";
import type { ModelRunner } from "./runner.ts";

/** Clean and backdoor behaviour of one model (docs/methods.md §12.1), as fractions. */
export interface Rates {
  /** Clean accuracy. */
  ca: number;
  /** Attack success rate: triggered images of other classes that are classified as the target. */
  asr: number;
  /** Clean images of other classes that are classified as the target. */
  cleanToTarget: number;
}

/**
 * CA over all of `test`, the other two over its images of other classes than the target.
 *
 * @param known the model's logits of `test`, where they are known
 */
export async function rates(
  runner: ModelRunner,
  state: StateDict,
  test: ImageSet,
  { trigger, target }: Backdoor,
  known?: Float32Array,
): Promise<Rates> {
  const others = subset(test, indicesOutside(test, target));
  const classes = (logits: Float32Array, count: number) => logits.length / count;
  const clean = known ?? (await runner.logits(state, test));
  let right = 0;
  let strayed = 0;
  for (let i = 0; i < test.count; i++) {
    const answer = argmax(clean, classes(clean, test.count), i);
    if (answer === test.labels[i]) right++;
    else if (answer === target) strayed++;
  }
  const triggered = await runner.logits(state, stampSet(trigger, others));
  const hits = countTarget(triggered, others.count, target);
  return { ca: right / test.count, asr: hits / others.count, cleanToTarget: strayed / others.count };
}

/** How many of `count` images are classified as the target. */
export function countTarget(logits: Float32Array, count: number, target: number): number {
  let hits = 0;
  for (let i = 0; i < count; i++) if (argmax(logits, logits.length / count, i) === target) hits++;
  return hits;
}
