import type { Budget } from "../../core/budget.ts";
import { sha256Hex } from "../../core/hash.ts";
import { Random, stageSeed } from "../../core/random.ts";
import type { Samples } from "../../core/samples.ts";
import type { Network } from "../../graph/network.ts";
import type { Augmentation } from "../../images/batch.ts";
import type { Normalization } from "../../images/image-set.ts";
import { useLocalizer } from "../../localize/learned/localizer.ts";
import type { Suspect } from "../../localize/types.ts";
import type { ModelRunner } from "../../measure/runner.ts";
import type { BlindTask, Task } from "../../tasks/task.ts";
import { cloneState, type StateDict } from "../../tensor/state.ts";
import { shippedLocalizer } from "../learned/shipped.ts";

/**
 * The defender's clean data in two seeded halves (docs/methods.md §3.1): one to measure on, one to choose thresholds
 * on.
 */
export function halveClean({ subset }: Task["inputs"], cleanVal: Samples, seed: number): Suspect["clean"] {
  const order = new Random(stageSeed(seed, "defender halves")).permutation(cleanVal.count);
  const half = Math.ceil(cleanVal.count / 2);
  return { fit: subset(cleanVal, order.subarray(0, half)), threshold: subset(cleanVal, order.subarray(half)) };
}

// Whoever makes suspects says where the weights of a trained criterion lie.
useLocalizer(shippedLocalizer);

/** Where there are no samples to change. */
export const NO_AUGMENTATION: Augmentation = { flip: false, cropPadding: 0 };

/** For criteria that read weights alone. */
export function noSamples({ inputs }: Task, network: Network): Suspect["clean"] {
  const none = inputs.none(network);
  return { fit: none, threshold: none };
}

/** What a suspect holds of a task: neither triggers nor what they lead to, so that no criterion can reach them. */
export function blind({
  name,
  words,
  traits,
  inputs,
  loss,
  quality,
  passes,
  answer,
  guesses,
  insertion,
  handout,
}: Task): BlindTask {
  return { name, words, traits, inputs, loss, quality, passes, answer, guesses, insertion, handout };
}

/**
 * Wraps a model as a suspect: weights of its own to spoil, and a name and seed from which neither the defect nor the
 * version can be told (docs/architecture.md, "Import order").
 */
export function anonymous(
  model: { task: Task; network: Network; state: StateDict; sha256: string; normalization: Normalization },
  augmentation: Augmentation,
  clean: Suspect["clean"],
  runner: ModelRunner,
  seed: number,
  budget: Budget,
): Suspect {
  return {
    name: `suspect-${sha256Hex(`${seed}\u0000${model.sha256}`).slice(0, 12)}`,
    task: blind(model.task),
    network: model.network,
    state: cloneState(model.state),
    normalization: model.normalization,
    augmentation,
    clean,
    seed: stageSeed(seed, "suspect", model.sha256),
    runner,
    budget,
  };
}
