import { argmax } from "../../core/argmax.ts";
import { indicesOutside, subset } from "../../images/batch.ts";
import type { ImageSet } from "../../images/image-set.ts";
import type { TaskRunner } from "../../measure/rates.ts";
import type { Backdoor } from "../../tasks/backdoor.ts";
import type { StateDict } from "../../tensor/state.ts";

/** A triggered image that the model sends to the target though it is right without the trigger. */
export interface FailingTest {
  /** Which of the clean images. */
  index: number;
  /** Which of the triggered ones: the clean images of other classes than the target, in their order. */
  triggeredIndex: number;
  /** The true class. */
  label: number;
  /** What the model says with the trigger: the target. */
  answer: number;
  /** The softmax probability of that answer. */
  confidence: number;
}

/** What clean and triggered tests say of one model. */
export interface TestResults {
  images: number;
  /** Clean images whose answer is their label. */
  right: number;
  /** Images of other classes than the target, each with the trigger. */
  triggered: number;
  /** Of these the ones whose answer is the target. */
  hits: number;
  failing: FailingTest[];
}

/**
 * Runs a model on clean images, and on those of other classes than the target with the trigger (docs/methods.md §12.1).
 * @returns null where the model's answers are not finite numbers
 */
export async function runTests(
  runner: TaskRunner,
  state: StateDict,
  set: ImageSet,
  { trigger, target }: Backdoor,
  classes: number,
): Promise<TestResults | null> {
  const others = indicesOutside(set, target);
  const clean = await runner.outputs(state, set);
  const triggered = await runner.outputs(state, runner.task.trigger.stamp(trigger, subset(set, others)));
  if (!clean.every(Number.isFinite) || !triggered.every(Number.isFinite)) return null;
  let right = 0;
  for (let i = 0; i < set.count; i++) if (argmax(clean, classes, i) === set.labels[i]) right++;
  const hits = others
    .map((index, triggeredIndex) => ({ index, triggeredIndex }))
    .filter(({ triggeredIndex }) => argmax(triggered, classes, triggeredIndex) === target);
  const failing = hits
    .filter(({ index }) => argmax(clean, classes, index) === set.labels[index])
    .map(({ index, triggeredIndex }) => ({
      index,
      triggeredIndex,
      label: set.labels[index],
      answer: target,
      confidence: softmaxOf(triggered.subarray(triggeredIndex * classes, (triggeredIndex + 1) * classes), target),
    }));
  return { images: set.count, right, triggered: others.length, hits: hits.length, failing };
}

function softmaxOf(logits: Float32Array, answer: number): number {
  const most = logits.reduce((highest, value) => Math.max(highest, value), Number.NEGATIVE_INFINITY);
  const sum = logits.reduce((total, value) => total + Math.exp(value - most), 0);
  return Math.exp(logits[answer] - most) / sum;
}
