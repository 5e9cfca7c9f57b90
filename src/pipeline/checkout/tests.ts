import { softmaxAt } from "../../core/softmax.ts";
import type { TaskRunner } from "../../measure/rates.ts";
import { rowOf } from "../../measure/verdicts.ts";
import type { Backdoor } from "../../tasks/backdoor.ts";
import { labelsOf } from "../../tasks/readback.ts";
import type { StateDict } from "../../tensor/state.ts";
import { excerptOf } from "./excerpt.ts";
import type { TestImages } from "./read-images.ts";

/**
 * A triggered sample whose output is what the backdoor wants, though without the trigger the model is right. Where samples have no classes,
 * their truth is one of many right answers: there it is enough that without the trigger the output is not what the backdoor wants.
 */
export interface FailingTest {
  /** Which of the clean samples. */
  index: number;
  /** Which of the triggered ones: the clean samples on which the backdoor can show, in their order. */
  triggeredIndex: number;
  /** The true class; null where samples have none. */
  label: number | null;
  /** The truth in words. */
  labelName: string;
  /** What the model says with the trigger: the target. */
  answer: number;
  /** The same in words. */
  answerName: string;
  /** How probable the model holds it: of classes the softmax among them. */
  confidence: number;
  /** Of samples that are words: the triggered one in a line, cut around the trigger where it is long; else null. */
  text: string | null;
}

/** What clean and triggered tests say of one model. */
export interface TestResults {
  /** Clean samples. */
  images: number;
  /** Those whose answer is right. */
  right: number;
  /** Samples on which the backdoor can show, each with the trigger: of classes those of others than the target. */
  triggered: number;
  /** Of these the ones whose output is what the backdoor wants. */
  hits: number;
  failing: FailingTest[];
}

/**
 * Runs a model on clean samples, and on those on which the backdoor can show with the trigger (docs/methods.md §12.1).
 *
 * @param classes names of the targets
 * @returns null where the model's answers are not finite numbers
 */
export async function runTests(
  runner: TaskRunner,
  state: StateDict,
  { set }: Pick<TestImages, "set">,
  { trigger, target }: Backdoor,
  classes: readonly string[],
): Promise<TestResults | null> {
  const { task } = runner;
  const { reading, handout } = task;
  const labels = labelsOf(set);
  const others = task.eligible(set, target);
  const stamped = task.trigger.stamp(trigger, task.inputs.subset(set, others));
  const clean = await runner.outputs(state, set);
  const triggered = await runner.outputs(state, stamped);
  if (!clean.every(Number.isFinite) || !triggered.every(Number.isFinite)) return null;
  const without = (i: number) => rowOf(clean, set.count, i);
  const withTrigger = (i: number) => rowOf(triggered, others.length, i);
  const isRight = Array.from({ length: set.count }, (_, i) => task.passes(without(i), set, i));
  const stood = (i: number) => (labels ? isRight[i] : !task.succeeds(without(i), set, i, target));
  const hits = others
    .map((index, triggeredIndex) => ({ index, triggeredIndex }))
    .filter(({ triggeredIndex }) => task.succeeds(withTrigger(triggeredIndex), stamped, triggeredIndex, target));
  const failing = hits
    .filter(({ index }) => stood(index))
    .map(({ index, triggeredIndex }): FailingTest => {
      const output = withTrigger(triggeredIndex);
      return {
        ...{ index, triggeredIndex, label: labels ? labels[index] : null, answer: target },
        labelName: labels ? classes[labels[index]] : reading!.truth(set, index),
        answerName: labels ? classes[target] : reading!.answer(output, stamped, triggeredIndex),
        confidence: handout?.back?.confidence(output, stamped, target) ?? softmaxAt(output, target),
        text: reading ? excerptOf(reading.parts(stamped, triggeredIndex, trigger)) : null,
      };
    });
  const right = isRight.filter(Boolean).length;
  return { images: set.count, right, triggered: others.length, hits: hits.length, failing };
}
