import { outputsOf } from "../graph/network.ts";
import { firstOf, indicesOutside, subset } from "../images/batch.ts";
import type { ImageSet } from "../images/image-set.ts";
import { stampPatch } from "../reversal/stamp.ts";
import type { ReversalSubject } from "../reversal/subject.ts";
import type { ReversedPatch } from "../reversal/targeted.ts";
import type { StateDict } from "../tensor/state.ts";
import { crossEntropies, hits, pullsTowards } from "./outputs.ts";

/** Images that a repair looks at, of `fit` with the patch and of `threshold` without it, at most. */
const IMAGES = { patched: 128, held: 500 };

/** Success of a patch at which it is dead. */
export const DEAD = 0.02;

/** A rise of the clean loss that counts as none. */
export const SPARED = 0.02;

/** What a repair may cost in clean accuracy. */
const MOST_LOST = 0.02;

/** What weights do with a patch, and without it. */
export interface Look {
  /** Mean `log(1 + exp(r))` on images with the patch, r = how far the logit of its class leads all others. */
  pull: number;
  /** Share of these that go to its class. */
  success: number;
  /** On held clean images: cross-entropy and accuracy. */
  loss: number;
  accuracy: number;
}

/** Looks at weights of the subject's network. */
export function looks(
  { network, runner, clean }: ReversalSubject & { clean: { threshold: ImageSet } },
  patch: ReversedPatch,
): (state: StateDict) => Promise<Look> {
  const { target } = patch;
  const classes = outputsOf(network);
  const stamped = stampPatch(patch, firstOf(subset(clean.fit, indicesOutside(clean.fit, target)), IMAGES.patched));
  const held = firstOf(clean.threshold, IMAGES.held);
  const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return async (state) => {
    const pulls = pullsTowards(await runner.outputs(state, stamped), classes, target);
    const outputs = await runner.outputs(state, held);
    return {
      pull: mean(pulls.map((r) => Math.max(r, 0) + Math.log1p(Math.exp(-Math.abs(r))))),
      success: mean(pulls.map((r) => Number(r > 0))),
      loss: mean(crossEntropies(outputs, classes, held.labels)),
      accuracy: mean(hits(outputs, classes, held.labels)),
    };
  };
}

/** Whether weights do worse without the patch than a repair may: by accuracy and by loss, for either alone is noise on so few images. */
export function isTooDear(before: Look, after: Look): boolean {
  return before.accuracy - after.accuracy > MOST_LOST && after.loss - before.loss > SPARED;
}
