import type { Random } from "../../core/random.ts";
import { argmax } from "../../measure/batches.ts";
import type { BlendGradients, BlendResult } from "../../measure/blend.ts";
import { Adam } from "../../tune/adam.ts";
import { squash, squashGradient } from "./squash.ts";

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

/** Normalised images `[count, C, H, W]`. */
export interface Images {
  values: Float32Array;
  count: number;
}

/** The gradient of `CE(f(x̃), y) + λ‖M‖₁` by the parameters of mask and pattern. */
export function patchGradient(
  { opacity, pattern }: Pick<BlendResult, "opacity" | "pattern">,
  mask: Float32Array,
  paint: Float32Array,
  weight: number,
): { mask: Float32Array; paint: Float32Array } {
  return {
    mask: squashGradient(
      mask,
      opacity.map((g) => g + weight),
    ),
    paint: squashGradient(paint, pattern),
  };
}

/**
 * The search for the smallest patch that sends every image to one class (docs/methods.md §10.3, step 1). It can go on
 * where it stopped, so that classes may be screened first.
 */
export class ClassInversion {
  readonly target: number;
  private readonly blend: BlendGradients;
  private readonly images: Images;
  private readonly batch: number;
  private readonly random: Random;
  /** Parameters of mask and pattern, not yet squashed. */
  private readonly mask: Float32Array;
  private readonly paint: Float32Array;
  private readonly optimizers: { mask: Adam; paint: Adam };
  private weight = INVERSION.weight;
  private up = { count: 0, ever: false };
  private down = { count: 0, ever: false };
  private idle = 0;
  private best: Patch | undefined;
  private last: Patch;

  /**
   * @param plane `height × width`
   * @param images of which each epoch sees whole batches
   */
  constructor(blend: BlendGradients, target: number, images: Images, plane: number, batch: number, random: Random) {
    this.blend = blend;
    this.target = target;
    this.images = images;
    this.batch = Math.min(batch, images.count);
    this.random = random;
    const size = images.values.length / images.count;
    const draw = (length: number) => Float32Array.from({ length }, () => random.normal());
    [this.mask, this.paint] = [draw(plane), draw(size)];
    const settings = { betas: INVERSION.betas };
    this.optimizers = { mask: new Adam(plane, settings), paint: new Adam(size, settings) };
    this.last = { opacity: new Float32Array(plane), pattern: new Float32Array(size), norm: plane };
    this.show();
  }

  /** Whether some epoch met the wanted success. */
  get reached(): boolean {
    return this.best !== undefined;
  }

  /** The smallest patch that met it; the last one where none did. */
  get patch(): Patch {
    return this.best ?? this.last;
  }

  /** Goes on for so many epochs, or until the schedule ends it. */
  async run(epochs: number): Promise<void> {
    for (let epoch = 0; epoch < epochs && !this.over; epoch++) this.judge(await this.epoch());
  }

  private get over(): boolean {
    return this.up.ever && this.down.ever && this.idle >= INVERSION.stopPatience;
  }

  /** One pass over the images in a new order. @returns the share that went to the class on the way */
  private async epoch(): Promise<number> {
    const { values, count } = this.images;
    const size = values.length / count;
    const order = this.random.permutation(count);
    const images = new Float32Array(this.batch * size);
    let [hits, seen] = [0, 0];
    for (let start = 0; start + this.batch <= count; start += this.batch) {
      for (let k = 0; k < this.batch; k++) {
        const at = order[start + k] * size;
        images.set(values.subarray(at, at + size), k * size);
      }
      const { opacity, pattern } = this.last;
      const result = await this.blend.at(images, this.target, opacity, pattern);
      const classes = result.logits.length / this.batch;
      for (let k = 0; k < this.batch; k++) if (argmax(result.logits, classes, k) === this.target) hits++;
      seen += this.batch;
      const gradient = patchGradient(result, this.mask, this.paint, this.weight);
      this.optimizers.mask.step(this.mask, gradient.mask, INVERSION.learningRate);
      this.optimizers.paint.step(this.paint, gradient.paint, INVERSION.learningRate);
      this.show();
    }
    return hits / seen;
  }

  /** Squashes the parameters. */
  private show(): void {
    squash(this.mask, this.last.opacity);
    squash(this.paint, this.last.pattern);
    this.last.norm = this.last.opacity.reduce((sum, m) => sum + m, 0);
  }

  /** Keeps the patch where it is the smallest that works, and moves λ. */
  private judge(success: number): void {
    const { patience, factor, stopFactor } = INVERSION;
    const works = success >= INVERSION.success;
    const before = this.best?.norm ?? Number.POSITIVE_INFINITY;
    if (works && this.last.norm < before) {
      const { opacity, pattern, norm } = this.last;
      this.best = { opacity: opacity.slice(), pattern: pattern.slice(), norm };
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
