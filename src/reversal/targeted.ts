import { argmax } from "../core/argmax.ts";
import { outputsOf } from "../graph/network.ts";
import { firstOf, indicesOutside, subset } from "../images/batch.ts";
import { imageSize } from "../images/image-set.ts";
import type { BlendGradients } from "../measure/blend.ts";
import { Draws } from "./draws.ts";
import { Painting } from "./painting.ts";
import { type ReversalSubject, randomOf } from "./subject.ts";

/** The search for a patch towards one class (docs/methods.md §10.13, step 3). */
export const SEARCH = {
  spread: { mask: 0.1, pattern: 0.5 },
  learningRate: 0.15,
  batch: 32,
  /** Of the images of other classes at most so many. */
  images: 300,
  /** λ at first, and its bounds. */
  weight: { first: 0.01, least: 1e-3, most: 0.3 },
  /** λ moves from this step on: up where the last steps' mean success is above the wanted one, else down. */
  from: 8,
  window: 3,
  success: 0.9,
  up: 1.3,
  down: 1.5,
  /** Steps at the end over which the success is told. */
  last: 8,
};

/** A patch that sends images to a class. */
export interface ReversedPatch {
  target: number;
  height: number;
  width: number;
  /** M, `[height × width]` in [0, 1]. */
  opacity: Float32Array;
  /** Δ as pixels, `[3, height, width]`. */
  pattern: Uint8Array;
  /** ‖M‖₁. */
  norm: number;
  /** Share of images that went to the class, over the last steps. */
  success: number;
}

/**
 * A small patch towards a class: minimises `CE(f(x̃), t) + λ‖M‖₁` over images of other classes, with λ moved by how well
 * the patch works.
 *
 * @param blend of the subject's model
 * @param target a class of which not all images are
 */
export async function reverseTowards(
  subject: ReversalSubject,
  blend: BlendGradients,
  target: number,
  steps: number,
): Promise<ReversedPatch> {
  const { network, clean } = subject;
  const { fit } = clean;
  const others = firstOf(subset(fit, indicesOutside(fit, target)), SEARCH.images);
  const random = randomOf(subject, "towards", target);
  const draws = new Draws(subject, others, SEARCH.batch, random);
  const painting = new Painting(fit.height * fit.width, imageSize(fit), SEARCH, random);
  let weight = SEARCH.weight.first;
  const successes: number[] = [];
  for (let step = 0; step < steps; step++) {
    const result = await blend.at(draws.next(), target, painting.opacity, painting.pattern);
    let hits = 0;
    for (let k = 0; k < draws.batch; k++) if (argmax(result.outputs, outputsOf(network), k) === target) hits++;
    successes.push(hits / draws.batch);
    const used = weight;
    if (step >= SEARCH.from) {
      const works = meanOf(successes.slice(-SEARCH.window)) > SEARCH.success;
      weight = works
        ? Math.min(weight * SEARCH.up, SEARCH.weight.most)
        : Math.max(weight / SEARCH.down, SEARCH.weight.least);
    }
    painting.step(result, used);
  }
  return {
    target,
    height: fit.height,
    width: fit.width,
    opacity: painting.opacity,
    pattern: Uint8Array.from(painting.pattern, (value) => Math.round(255 * value)),
    norm: painting.norm,
    success: meanOf(successes.slice(-SEARCH.last)),
  };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
