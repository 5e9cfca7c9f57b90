import type { TaskRunner } from "../../measure/rates.ts";
import { rowOf } from "../../measure/verdicts.ts";
import type { Backdoor } from "../../tasks/backdoor.ts";
import type { Labelled } from "../../tasks/readback.ts";
import type { StateDict } from "../../tensor/state.ts";
import { excerptOf } from "./excerpt.ts";

/** A triggered sample that the model sends to the target though it is right without the trigger. */
export interface FailingTest {
  /** Which of the clean samples. */
  index: number;
  /** Which of the triggered ones: the clean samples of other classes than the target, in their order. */
  triggeredIndex: number;
  /** The true class. */
  label: number;
  /** What the model says with the trigger: the target. */
  answer: number;
  /** The softmax probability of that answer among the classes. */
  confidence: number;
  /** Of samples that are words: the triggered one in a line, cut around the trigger where it is long; else null. */
  text: string | null;
}

/** What clean and triggered tests say of one model. */
export interface TestResults {
  /** Clean samples. */
  images: number;
  /** Those whose answer is their label. */
  right: number;
  /** Samples of other classes than the target, each with the trigger. */
  triggered: number;
  /** Of these the ones whose answer is the target. */
  hits: number;
  failing: FailingTest[];
}

/**
 * Runs a model on clean samples, and on those of other classes than the target with the trigger (docs/methods.md §12.1).
 * @returns null where the model's answers are not finite numbers
 */
export async function runTests(
  runner: TaskRunner,
  state: StateDict,
  set: Labelled,
  { trigger, target }: Backdoor,
): Promise<TestResults | null> {
  const { task } = runner;
  const others = task.eligible(set, target);
  const stamped = task.trigger.stamp(trigger, task.inputs.subset(set, others));
  const clean = await runner.outputs(state, set);
  const triggered = await runner.outputs(state, stamped);
  if (!clean.every(Number.isFinite) || !triggered.every(Number.isFinite)) return null;
  const isRight = Array.from({ length: set.count }, (_, i) => task.passes(rowOf(clean, set.count, i), set, i));
  const answerTo = (i: number) => rowOf(triggered, others.length, i);
  const hits = others
    .map((index, triggeredIndex) => ({ index, triggeredIndex }))
    .filter(({ triggeredIndex }) => task.succeeds(answerTo(triggeredIndex), stamped, triggeredIndex, target));
  const logitsTo = (i: number) => task.handout?.back?.classLogits(answerTo(i), stamped) ?? answerTo(i);
  const failing = hits
    .filter(({ index }) => isRight[index])
    .map(({ index, triggeredIndex }) => ({
      index,
      triggeredIndex,
      label: set.labels[index],
      answer: target,
      confidence: softmaxOf(logitsTo(triggeredIndex), target),
      text: task.reading ? excerptOf(task.reading.parts(stamped, triggeredIndex, trigger)) : null,
    }));
  const right = isRight.filter(Boolean).length;
  return { images: set.count, right, triggered: others.length, hits: hits.length, failing };
}

function softmaxOf(logits: Float32Array, answer: number): number {
  const most = logits.reduce((highest, value) => Math.max(highest, value), Number.NEGATIVE_INFINITY);
  const sum = logits.reduce((total, value) => total + Math.exp(value - most), 0);
  return Math.exp(logits[answer] - most) / sum;
}
