import { firstOf, indicesOutside, subset } from "../images/batch.ts";
import { imageSize } from "../images/image-set.ts";
import type { BlendGradients } from "../measure/blend.ts";
import { Draws } from "./draws.ts";
import { Painting } from "./painting.ts";
import { type ReversalSubject, randomOf } from "./subject.ts";

/** The look at every class (docs/methods.md §10.13, step 1). */
const SCREENING = {
  spread: { mask: 0.1, pattern: 0.5 },
  // High: in so few steps a small patch is found or is not.
  learningRate: 0.8,
  batch: 8,
  /** Of the images of other classes at most so many. */
  images: 300,
  weight: 0.01,
  /** Share of the classes that go on, and how many at least and at most. */
  onward: { share: 0.2, least: 4, most: 10 },
  /** Steps in the end over which the loss is averaged. */
  window: 3,
};

/** How near a short search came to a patch towards a class: lower = nearer. */
export interface Screened {
  target: number;
  /** `CE(f(x̃), t) + λ‖M‖₁`, mean of the last steps. */
  loss: number;
}

/** Every class after a few steps, and the leading ones after more. */
export interface Screening {
  /** In order of classes; those without images of another class are absent. */
  all: Screened[];
  /** After as many steps again, the nearest first. */
  leading: Screened[];
}

/** A short search for a patch towards one class, which can go on. */
class ShortSearch {
  readonly target: number;
  private readonly blend: BlendGradients;
  private readonly draws: Draws;
  private readonly painting: Painting;
  private readonly losses: number[] = [];

  constructor(subject: ReversalSubject, blend: BlendGradients, target: number) {
    const { fit } = subject.clean;
    const random = randomOf(subject, "screening", target);
    const others = firstOf(subset(fit, indicesOutside(fit, target)), SCREENING.images);
    this.target = target;
    this.blend = blend;
    this.draws = new Draws(subject, others, SCREENING.batch, random);
    this.painting = new Painting(fit.height * fit.width, imageSize(fit), SCREENING, random);
  }

  async run(steps: number): Promise<Screened> {
    const { draws, painting, losses } = this;
    for (let step = 0; step < steps; step++) {
      const result = await this.blend.at(draws.next(), this.target, painting.opacity, painting.pattern);
      losses.push(result.loss + SCREENING.weight * painting.norm);
      painting.step(result, SCREENING.weight);
    }
    const last = losses.slice(-SCREENING.window);
    return { target: this.target, loss: last.reduce((sum, loss) => sum + loss, 0) / last.length };
  }
}

/**
 * Looks at every class for a few steps, and at the nearest for more.
 *
 * @param blend of the subject's model
 * @param steps of either look
 */
export async function screenClasses(
  subject: ReversalSubject,
  blend: BlendGradients,
  steps: number,
): Promise<Screening> {
  const { network, clean } = subject;
  const classes = Array.from({ length: network.classes }, (_, target) => target).filter(
    (target) => indicesOutside(clean.fit, target).length > 0,
  );
  const looked: { search: ShortSearch; found: Screened }[] = [];
  for (const target of classes) {
    const search = new ShortSearch(subject, blend, target);
    looked.push({ search, found: await search.run(steps) });
  }
  const { share, least, most } = SCREENING.onward;
  const onward = Math.min(most, Math.max(least, Math.round(share * classes.length)));
  const nearest = [...looked].sort((a, b) => a.found.loss - b.found.loss).slice(0, onward);
  const leading: Screened[] = [];
  for (const { search } of nearest) leading.push(await search.run(steps));
  return { all: looked.map(({ found }) => found), leading: leading.sort((a, b) => a.loss - b.loss) };
}
