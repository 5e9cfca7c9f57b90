import type { Samples } from "../core/samples.ts";
import { CHANNELS } from "../pictures/picture.ts";

/** Images: uint8 RGB, channel-major `[n, 3, height, width]`. */
export interface Images {
  count: number;
  height: number;
  width: number;
  pixels: Uint8Array;
}

/** Images with the number of their class, `[n]`. */
export interface ImageSet extends Images {
  labels: Uint8Array;
}

/** The same samples, for what declares that it needs images with classes. @throws Error where they are others */
export function asImages(samples: Samples): ImageSet {
  if ("pixels" in samples && "labels" in samples && samples.labels instanceof Uint8Array) return samples as ImageSet;
  throw new Error("needs images with classes, and was given other samples");
}

/** The same samples, for what declares that it needs images, whatever their truths are. @throws Error where they are no images */
export function asPictures(samples: Samples): Images {
  if ("pixels" in samples && "height" in samples && "width" in samples) return samples as Images;
  throw new Error("needs images, and was given other samples");
}

/** Bytes (and values) of one image. */
export function imageSize(set: Pick<Images, "height" | "width">): number {
  return CHANNELS * set.height * set.width;
}

/** Per-channel mean and standard deviation on the scale [0, 1]; the network sees (pixel/255 − mean)/std. */
export interface Normalization {
  mean: [number, number, number];
  std: [number, number, number];
}
