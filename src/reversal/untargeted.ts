import { argmax } from "../core/argmax.ts";
import { firstOf } from "../images/batch.ts";
import { type ImageSet, imageSize } from "../images/image-set.ts";
import type { AgreementGradients } from "../measure/agreement.ts";
import { Draws } from "./draws.ts";
import { Painting } from "./painting.ts";
import { stampPatch } from "./stamp.ts";
import { type ReversalSubject, randomOf } from "./subject.ts";

/** The search for a patch towards any class (docs/methods.md §10.13, step 2). */
const SEARCH = {
  spread: { mask: 0.3, pattern: 0.7 },
  learningRate: 0.25,
  steps: 40,
  batch: 32,
  weight: 0.003,
  /** Images on which the patch is tried in the end. */
  tried: 100,
};

/** A class that images fall into under a patch that was to bring them to any one. */
export interface Vote {
  target: number;
  /** Share of the images that fall into it. */
  share: number;
}

/**
 * Where the images go under a small universal patch that was painted to bring them away from their classes and to one
 * class in common.
 *
 * @param seed tells one search from another
 */
export async function voteOf(subject: ReversalSubject, agreement: AgreementGradients, seed: number): Promise<Vote> {
  const { network, state, runner, clean } = subject;
  const { fit } = clean;
  const random = randomOf(subject, "any class", seed);
  const draws = new Draws(subject, fit, SEARCH.batch, random);
  const painting = new Painting(fit.height * fit.width, imageSize(fit), SEARCH, random);
  for (let step = 0; step < SEARCH.steps; step++) {
    const images = draws.next();
    painting.step(await agreement.at(images, draws.labels, painting.opacity, painting.pattern), SEARCH.weight);
  }
  const pattern = Uint8Array.from(painting.pattern, (value) => Math.round(255 * value));
  const tried = stampPatch({ opacity: painting.opacity, pattern }, firstOf(fit, SEARCH.tried));
  return commonClass(await runner.outputs(state, tried), tried, network.classes);
}

/** The class that most images go to. */
function commonClass(outputs: Float32Array, { count }: ImageSet, classes: number): Vote {
  const counts = new Uint32Array(classes);
  for (let i = 0; i < count; i++) counts[argmax(outputs, classes, i)]++;
  const target = counts.indexOf(Math.max(...counts));
  return { target, share: counts[target] / count };
}
