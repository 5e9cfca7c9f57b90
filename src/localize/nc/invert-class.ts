import { highest } from "../../core/argmax.ts";
import type { Random } from "../../core/random.ts";
import type { Blend, BlendGradients, BlendResult } from "../../measure/blend.ts";
import { rowOf } from "../../measure/verdicts.ts";
import { Adam } from "../../tune/adam.ts";
import { Squashed } from "./squash.ts";

/** The inversion's hyper-parameters (docs/methods.md §10.3): BackdoorBench's schedule. */
export const INVERSION = {
  learningRate: 0.1,
  betas: [0.5, 0.9] as const,
  /** λ at first. */
  weight: 1e-3,
  /** Share of a whole epoch's images that must go to the class. */
  success: 0.98,
  /** Epochs in a row after which λ changes. */
  patience: 5,
  /** λ is multiplied by this, or divided by its power of 1.5. */
  factor: 2,
  /** Epochs without an improvement by 1 % after which it ends, once λ has moved both ways. */
  stopPatience: 25,
  stopFactor: 0.99,
};

/** A mask and what it lets through. */
export interface Patch {
  /** `[height × width]` in [0, 1]. */
  opacity: Float32Array;
  /** `[C × height × width]`, pixels in [0, 1]. */
  pattern: Float32Array;
  /** ‖M‖₁. */
  norm: number;
}

/** Whether what the network puts out for one of the images is what is searched for. */
export type IsHit = (output: Float32Array, image: number) => boolean;

/** Normalised images `[count, C, H, W]`. */
export interface Images {
  values: Float32Array;
  count: number;
}

/** The gradient of `CE(f(x̃), y) + λ‖M‖₁` by the parameters of mask and pattern. */
export function patchGradient(
  { opacity, pattern }: Pick<BlendResult, "opacity" | "pattern">,
  mask: Squashed,
  paint: Squashed,
  weight: number,
): { mask: Float32Array; paint: Float32Array } {
  return { mask: mask.gradient(opacity, weight), paint: paint.gradient(pattern) };
}

/**
 * The search for the smallest patch that sends every image to one class (docs/methods.md §10.3, step 1). It can go on
 * where it stopped, so that classes may be screened first; it asks what to blend and takes the answer, so that many may ask at once.
 */
export class ClassInversion {
  readonly target: number;
  private readonly images: Images;
  private readonly batch: number;
  private readonly random: Random;
  private readonly mask: Squashed;
  private readonly paint: Squashed;
  private readonly optimizers: { mask: Adam; paint: Adam };
  private weight = INVERSION.weight;
  private up = { count: 0, ever: false };
  private down = { count: 0, ever: false };
  private idle = 0;
  private best: Patch | undefined;
  private norm = 0;
  /** Of the epoch under way. */
  private order: ArrayLike<number> = [];
  private next = 0;
  private hits = 0;
  private readonly shown: Float32Array;
  private readonly isHit: IsHit;

  /**
   * @param plane `height × width`
   * @param images of which each epoch sees whole batches
   * @param isHit whether an output is what is searched for; absent: the class is the highest
   */
  constructor(
    target: number,
    images: Images,
    plane: number,
    batch: number,
    random: Random,
    isHit: IsHit = (output) => highest(output) === target,
  ) {
    this.isHit = isHit;
    this.target = target;
    this.images = images;
    this.batch = Math.min(batch, images.count);
    this.random = random;
    const size = images.values.length / images.count;
    const draw = (length: number) => new Squashed(Float32Array.from({ length }, () => random.normal()));
    [this.mask, this.paint] = [draw(plane), draw(size)];
    const settings = { betas: INVERSION.betas };
    this.optimizers = { mask: new Adam(plane, settings), paint: new Adam(size, settings) };
    this.shown = new Float32Array(this.batch * size);
    this.norm = this.mask.values.reduce((sum, m) => sum + m, 0);
  }

  /** How many images there are. */
  get count(): number {
    return this.images.count;
  }

  /** Whether some epoch met the wanted success. */
  get reached(): boolean {
    return this.best !== undefined;
  }

  /** The smallest patch that met it; the last one where none did. */
  get patch(): Patch {
    return this.best ?? { opacity: this.mask.values, pattern: this.paint.values, norm: this.norm };
  }

  /** Whether the schedule has ended. */
  get over(): boolean {
    return this.up.ever && this.down.ever && this.idle >= INVERSION.stopPatience;
  }

  /** Begins a pass over the images in a new order. @returns how many steps it takes */
  begin(): number {
    this.order = this.random.permutation(this.images.count);
    [this.next, this.hits] = [0, 0];
    return Math.floor(this.images.count / this.batch);
  }

  /** What is to be blended in the next step; its images are valid until the one after. */
  ask(): Blend {
    const { shown, batch, order } = this;
    const { values, count } = this.images;
    const size = values.length / count;
    for (let k = 0; k < batch; k++) {
      const at = order[this.next++] * size;
      shown.set(values.subarray(at, at + size), k * size);
    }
    return { images: shown, target: this.target, opacity: this.mask.values, pattern: this.paint.values };
  }

  /** Which images the last step shows. */
  get asked(): ArrayLike<number> {
    return Array.from({ length: this.batch }, (_, k) => this.order[this.next - this.batch + k]);
  }

  /** Takes the step. */
  take(result: BlendResult): void {
    const { mask, paint, batch, asked } = this;
    for (let k = 0; k < batch; k++) if (this.isHit(rowOf(result.outputs, batch, k), asked[k])) this.hits++;
    const gradient = patchGradient(result, mask, paint, this.weight);
    this.optimizers.mask.step(mask.parameters, gradient.mask, INVERSION.learningRate);
    this.optimizers.paint.step(paint.parameters, gradient.paint, INVERSION.learningRate);
    mask.show();
    paint.show();
    this.norm = mask.values.reduce((sum, m) => sum + m, 0);
  }

  /** Ends the pass: keeps the patch where it is the smallest that works, and moves λ. */
  judge(): void {
    const { patience, factor, stopFactor } = INVERSION;
    const works = this.hits / this.next >= INVERSION.success;
    const before = this.best?.norm ?? Number.POSITIVE_INFINITY;
    if (works && this.norm < before) {
      this.best = { opacity: this.mask.values.slice(), pattern: this.paint.values.slice(), norm: this.norm };
    }
    if (this.best) this.idle = this.best.norm >= stopFactor * before ? this.idle + 1 : 0;
    const [counted, other] = works ? [this.up, this.down] : [this.down, this.up];
    other.count = 0;
    counted.count++;
    if (counted.count < patience) return;
    counted.count = 0;
    counted.ever = true;
    this.weight = works ? this.weight * factor : this.weight / factor ** 1.5;
  }
}

/**
 * Takes all searches so many epochs further, each until its schedule ends. Those that go on do so together, step by step, in groups
 * of at most `most` of nearly equal size: none knows of the others, and one batch of several is quicker than several batches.
 */
export async function invertTogether(
  blend: Pick<BlendGradients, "together">,
  searches: readonly ClassInversion[],
  epochs: number,
  most: number,
): Promise<void> {
  const groups = Math.ceil(searches.length / most);
  for (let g = 0; g < groups; g++) {
    const share = (i: number) => Math.round((i * searches.length) / groups);
    const group = searches.slice(share(g), share(g + 1));
    for (let epoch = 0; epoch < epochs; epoch++) {
      const running = group.filter(({ over }) => !over);
      if (running.length === 0) break;
      const [steps] = running.map((search) => search.begin());
      for (let step = 0; step < steps; step++) {
        const results = await blend.together(running.map((search) => search.ask()));
        for (const [i, search] of running.entries()) search.take(results[i]);
      }
      for (const search of running) search.judge();
    }
  }
}
