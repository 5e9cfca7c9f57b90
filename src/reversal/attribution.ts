import type { LayerScores } from "../core/neurons.ts";
import { firstOf, indicesOutside, subset } from "../images/batch.ts";
import type { LayerResponse } from "../measure/response.ts";
import { stampPatch } from "./stamp.ts";
import type { ReversalSubject } from "./subject.ts";
import type { ReversedPatch } from "./targeted.ts";

/** Images of other classes that the attribution looks at. */
export const ATTRIBUTION_IMAGES = 64;

/**
 * How much of the flip to the patch's class a neuron carries (docs/methods.md §10.13): the fall of the response
 * on patched images when the neuron is held at its clean mean, less that on the same images without the patch, both to
 * first order: `A = E Σ_hw (ã − ā)·∂r/∂a(x̃) − E Σ_hw (a − ā)·∂r/∂a(x)`.
 */
export async function ablationAttribution(subject: ReversalSubject, patch: ReversedPatch): Promise<LayerScores> {
  const { state, runner, clean } = subject;
  const others = firstOf(subset(clean.fit, indicesOutside(clean.fit, patch.target)), ATTRIBUTION_IMAGES);
  const before = await runner.response(state, others, patch.target);
  const after = await runner.response(state, stampPatch(patch, others), patch.target);
  return attributionBetween(before, after);
}

/**
 * A of every neuron from the response's terms on the same images, before and after they were brought to a class by whatever means.
 *
 * @returns A by layer, in units of the response
 */
export function attributionBetween(
  before: ReadonlyMap<string, LayerResponse>,
  after: ReadonlyMap<string, LayerResponse>,
): LayerScores {
  const scores: LayerScores = {};
  for (const [layer, { dots, slopes, means }] of before) {
    const patched = after.get(layer)!;
    scores[layer] = Array.from(
      means,
      (mean, c) => patched.dots[c] - mean * patched.slopes[c] - (dots[c] - mean * slopes[c]),
    );
  }
  return scores;
}
