import { Normaliser } from "./batch.ts";
import { type Images, imageSize, type Normalization } from "./image-set.ts";

/** Writes images of one size as a network reads them, normalised. */
export class ImageEncoder {
  /** Values of an image. */
  readonly size: number;
  private readonly normaliser: Normaliser;

  constructor(set: Pick<Images, "height" | "width">, normalization: Normalization) {
    this.size = imageSize(set);
    this.normaliser = new Normaliser(normalization);
  }

  /** Writes image `index` to `size` values from `out[at]` on. */
  write({ pixels }: Images, index: number, out: Float32Array, at: number): void {
    this.normaliser.write(pixels, index * this.size, out, at, this.size);
  }
}
