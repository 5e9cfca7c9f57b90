import type { Random } from "../core/random.ts";
import { CHANNELS } from "../pictures/picture.ts";
import { type ImageSet, imageSize, type Normalization } from "./image-set.ts";

/** Turns uint8 pixels into what a network sees: `(pixel/255 − mean)/std`, by table. */
export class Normaliser {
  private readonly table: Float32Array[];

  constructor({ mean, std }: Normalization) {
    this.table = mean.map((m, c) => Float32Array.from({ length: 256 }, (_, v) => (v / 255 - m) / std[c]));
  }

  /** Writes one image `[3, h, w]` from `pixels[from…]` to `out[to…]`. */
  write(pixels: Uint8Array, from: number, out: Float32Array, to: number, size: number): void {
    const plane = size / CHANNELS;
    for (let c = 0; c < CHANNELS; c++) {
      const table = this.table[c];
      const end = (c + 1) * plane;
      for (let i = c * plane; i < end; i++) out[to + i] = table[pixels[from + i]];
    }
  }
}

/** How training changes an image: random horizontal flip, random crop after zero padding (docs/methods.md §3.3). */
export interface Augmentation {
  flip: boolean;
  cropPadding: number;
  /** Share of a text's words that are shown as unknown ones; absent: none. */
  unknown?: number;
  /** Whether that is drawn for each word, and not for each of its tokens. */
  wholeWords?: boolean;
}

/** Writes an augmented copy of image `index` of `set` to `out` (uint8, one image). */
export function augmentImage(
  set: ImageSet,
  index: number,
  { flip, cropPadding }: Augmentation,
  random: Random,
  out: Uint8Array,
): void {
  const { height, width, pixels } = set;
  const mirrored = flip && random.uniform() < 0.5;
  const dy = cropPadding > 0 ? random.below(2 * cropPadding + 1) - cropPadding : 0;
  const dx = cropPadding > 0 ? random.below(2 * cropPadding + 1) - cropPadding : 0;
  const start = index * imageSize(set);
  for (let c = 0; c < CHANNELS; c++) {
    for (let y = 0; y < height; y++) {
      const row = (c * height + y) * width;
      const sourceY = y + dy;
      const sourceRow = start + (c * height + sourceY) * width;
      const inside = sourceY >= 0 && sourceY < height;
      for (let x = 0; x < width; x++) {
        const shifted = x + dx;
        if (!inside || shifted < 0 || shifted >= width) out[row + x] = 0;
        else out[row + x] = pixels[sourceRow + (mirrored ? width - 1 - shifted : shifted)];
      }
    }
  }
}

/** The images at the given indices, as a set of their own. */
export function subset(set: ImageSet, indices: ArrayLike<number>): ImageSet {
  const size = imageSize(set);
  const pixels = new Uint8Array(indices.length * size);
  const labels = new Uint8Array(indices.length);
  for (let i = 0; i < indices.length; i++) {
    pixels.set(set.pixels.subarray(indices[i] * size, (indices[i] + 1) * size), i * size);
    labels[i] = set.labels[indices[i]];
  }
  return { ...set, count: indices.length, pixels, labels };
}

/** The images of two sets of one size, one set after the other. */
export function joined(first: ImageSet, second: ImageSet): ImageSet {
  const pixels = new Uint8Array(first.pixels.length + second.pixels.length);
  const labels = new Uint8Array(first.count + second.count);
  pixels.set(first.pixels);
  pixels.set(second.pixels, first.pixels.length);
  labels.set(first.labels);
  labels.set(second.labels, first.count);
  return { ...first, count: labels.length, pixels, labels };
}

/** The indices of the images that are not of a class. */
export function indicesOutside(set: ImageSet, label: number): number[] {
  const indices: number[] = [];
  for (let i = 0; i < set.count; i++) if (set.labels[i] !== label) indices.push(i);
  return indices;
}

/** The first images of a set, all of them where there are no more. */
export function firstOf(set: ImageSet, count: number): ImageSet {
  return count >= set.count
    ? set
    : subset(
        set,
        Array.from({ length: count }, (_, i) => i),
      );
}
