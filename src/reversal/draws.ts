import type { Random } from "../core/random.ts";
import { type ImageSet, imageSize } from "../images/image-set.ts";
import { type Encoding, encodeAll } from "../measure/batches.ts";

/** Normalised images from which batches are drawn, each image as likely every time. */
export class Draws {
  readonly batch: number;
  /** Of the batch drawn last. */
  readonly labels: Uint8Array;
  private readonly values: Float32Array;
  private readonly set: ImageSet;
  private readonly images: Float32Array;
  private readonly random: Random;

  /** @param batch at most so many images at once; there are never more than the set has */
  constructor(encoding: Encoding, set: ImageSet, batch: number, random: Random) {
    this.batch = Math.min(batch, set.count);
    this.labels = new Uint8Array(this.batch);
    this.values = encodeAll(encoding, set);
    this.images = new Float32Array(this.batch * imageSize(set));
    this.set = set;
    this.random = random;
  }

  /** @returns `[batch, 3, height, width]`, overwritten by the next one */
  next(): Float32Array {
    const size = imageSize(this.set);
    for (let k = 0; k < this.batch; k++) {
      const at = this.random.below(this.set.count);
      this.images.set(this.values.subarray(at * size, (at + 1) * size), k * size);
      this.labels[k] = this.set.labels[at];
    }
    return this.images;
  }
}
