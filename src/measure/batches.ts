import { Normaliser } from "../images/batch.ts";
import { type ImageSet, imageSize, type Normalization } from "../images/image-set.ts";

/** Images of one inference batch; a program's batch is of fixed size, so the last one may be part empty. */
export interface Slice {
  /** Index of the first image. */
  start: number;
  /** How many images are real; the rest of the batch repeats stale data and is to be ignored. */
  count: number;
  /** `[batch, C, H, W]`, normalised; reused by the next slice. */
  images: Float32Array;
}

/** Cuts a set into normalised batches. */
export function* slices(set: ImageSet, normalization: Normalization, batch: number): Generator<Slice> {
  const size = imageSize(set);
  const images = new Float32Array(batch * size);
  const normaliser = new Normaliser(normalization);
  for (let start = 0; start < set.count; start += batch) {
    const count = Math.min(batch, set.count - start);
    for (let i = 0; i < count; i++) normaliser.write(set.pixels, (start + i) * size, images, i * size, size);
    yield { start, count, images };
  }
}

/** All images of a set, normalised `[count, C, H, W]`. */
export function normaliseAll(set: ImageSet, normalization: Normalization): Float32Array {
  const [slice] = slices(set, normalization, set.count);
  return slice.images;
}
