import { CHANNELS } from "../pictures/picture.ts";

/** Labelled images: uint8 RGB, channel-major `[n, 3, height, width]`, labels `[n]`. */
export interface ImageSet {
  count: number;
  height: number;
  width: number;
  pixels: Uint8Array;
  labels: Uint8Array;
}

/** Bytes (and values) of one image. */
export function imageSize(set: Pick<ImageSet, "height" | "width">): number {
  return CHANNELS * set.height * set.width;
}

/** Per-channel mean and standard deviation on the scale [0, 1]; the network sees (pixel/255 − mean)/std. */
export interface Normalization {
  mean: [number, number, number];
  std: [number, number, number];
}
