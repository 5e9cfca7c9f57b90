import type { Random } from "../core/random.ts";
import { type Augmentation, augmentImage, Normaliser } from "../images/batch.ts";
import { type ImageSet, imageSize, type Normalization } from "../images/image-set.ts";

/** Normalised images `[batch, C, H, W]` with one-hot targets `[batch, classes]`. */
export interface Batch {
  images: Float32Array;
  targets: Float32Array;
}

/** How images become batches: what a defender knows of a model. */
export interface BatchMaking {
  network: { classes: number };
  augmentation: Augmentation;
  normalization: Normalization;
}

/** Batches are multiples of this: what the runtime splits well. */
const GRAIN = 8;

/**
 * Batches of the defender's images as training makes them: augmented, normalised, with one-hot targets. Two sets of
 * arrays are used in turn, so a batch is valid until the one after the next.
 */
export class CleanBatches {
  readonly batch: number;
  private readonly making: BatchMaking;
  private readonly set: ImageSet;
  private readonly random: Random;
  private readonly normaliser: Normaliser;
  private readonly image: Uint8Array;
  private readonly buffers: Batch[];
  private turn = 0;

  /** @throws Error where there are no images */
  constructor(making: BatchMaking, set: ImageSet, batch: number, random: Random) {
    if (set.count === 0) throw new Error("clean images are needed, and there are none");
    this.making = making;
    this.set = set;
    this.batch = batch;
    this.random = random;
    this.normaliser = new Normaliser(making.normalization);
    const size = imageSize(set);
    this.image = new Uint8Array(size);
    this.buffers = [0, 1].map(() => ({
      images: new Float32Array(batch * size),
      targets: new Float32Array(batch * making.network.classes),
    }));
  }

  /** A batch drawn with replacement. */
  draw(): Batch {
    return this.fill(Array.from({ length: this.batch }, () => this.random.below(this.set.count)));
  }

  /** The set in a new order, batch by batch; what does not fill a batch is left out. */
  *epoch(): Generator<Batch & { labels: Uint8Array }> {
    const order = this.random.permutation(this.set.count);
    for (let start = 0; start + this.batch <= order.length; start += this.batch) {
      const indices = order.subarray(start, start + this.batch);
      yield { ...this.fill(indices), labels: Uint8Array.from(indices, (i) => this.set.labels[i]) };
    }
  }

  private fill(indices: ArrayLike<number>): Batch {
    const { network, augmentation } = this.making;
    const filled = this.buffers[this.turn];
    this.turn = 1 - this.turn;
    const size = this.image.length;
    filled.targets.fill(0);
    for (let k = 0; k < indices.length; k++) {
      augmentImage(this.set, indices[k], augmentation, this.random, this.image);
      this.normaliser.write(this.image, 0, filled.images, k * size, size);
      filled.targets[k * network.classes + this.set.labels[indices[k]]] = 1;
    }
    return filled;
  }
}

/** A batch of at most `most` images that cuts a set into parts of one size and leaves out few. */
export function evenBatch(count: number, most: number): number {
  const each = Math.floor(count / Math.ceil(count / most));
  return each > GRAIN ? each - (each % GRAIN) : each;
}
