import type { Budget } from "../core/budget.ts";
import { Random, stageSeed } from "../core/random.ts";
import type { Network } from "../graph/network.ts";
import type { ImageSet, Normalization } from "../images/image-set.ts";
import type { ModelRunner } from "../measure/runner.ts";
import type { StateDict } from "../tensor/state.ts";

/** The model whose trigger is reversed, and the clean images that are at hand: what criteria and repairs are given. */
export interface ReversalSubject {
  network: Network;
  state: StateDict;
  normalization: Normalization;
  clean: { fit: ImageSet };
  seed: number;
  runner: ModelRunner;
  /** How much may be spent; short where it is not said. */
  budget?: Budget;
}

/** The random numbers of one part of the reversal. */
export function randomOf({ seed }: Pick<ReversalSubject, "seed">, ...part: (string | number)[]): Random {
  return new Random(stageSeed(seed, "reversal", ...part));
}
