import type { Budget } from "../core/budget.ts";
import { Random, stageSeed } from "../core/random.ts";
import type { Samples } from "../core/samples.ts";
import type { Network } from "../graph/network.ts";
import { asImages, type ImageSet, type Normalization } from "../images/image-set.ts";
import type { ModelRunner } from "../measure/runner.ts";
import type { BlindTask } from "../tasks/task.ts";
import type { StateDict } from "../tensor/state.ts";

/** The model whose trigger is reversed, and the clean samples that are at hand: what criteria and repairs are given. */
export interface ReversedModel {
  task: BlindTask;
  network: Network;
  state: StateDict;
  normalization: Normalization;
  clean: { fit: Samples };
  seed: number;
  runner: ModelRunner;
  /** How much may be spent; short where it is not said. */
  budget?: Budget;
}

/** The same of images. */
export interface ReversalSubject extends ReversedModel {
  clean: { fit: ImageSet };
}

/** The same model, for what declares that it needs images with classes. @throws Error where it was given other samples */
export function withImages<S extends { clean: { fit: Samples; threshold: Samples } }>(subject: S) {
  const { fit, threshold } = subject.clean;
  return { ...subject, clean: { fit: asImages(fit), threshold: asImages(threshold) } };
}

/** The random numbers of one part of the reversal. */
export function randomOf({ seed }: Pick<ReversedModel, "seed">, ...part: (string | number)[]): Random {
  return new Random(stageSeed(seed, "reversal", ...part));
}
