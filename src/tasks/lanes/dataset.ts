import type { LaneSet } from "./lane.ts";

/** Per-channel mean and standard deviation on the scale [0, 1]; the network sees (pixel/255 − mean)/std. */
export interface Normalization {
  mean: [number, number, number];
  std: [number, number, number];
}

/** ImageNet's, which the released networks were trained with. */
export const IMAGENET_NORMALIZATION: Normalization = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** Frames with lanes in three splits: the attacker uses `train`, the defender `cleanVal`, scores `test`. */
export interface LaneDataset {
  name: string;
  title: string;
  normalization: Normalization;
  train: LaneSet;
  cleanVal: LaneSet;
  test: LaneSet;
  /** SHA-256 over train (with cleanVal) and test as loaded. */
  dataHash: string;
  completeness: "official" | "subset" | "generated";
}

/** Size of a network's input, in pixels. */
export interface InputSize {
  height: number;
  width: number;
}

/** Of the reduced networks: a quarter of the released ones' 288×800. */
export const REDUCED_INPUT: InputSize = { height: 72, width: 200 };

/** The frames of a set at the given places. */
export function subsetOf(set: LaneSet, indices: ArrayLike<number>): LaneSet {
  const size = 3 * set.height * set.width;
  const pixels = new Uint8Array(indices.length * size);
  const labels = Array.from(indices, (index, i) => {
    pixels.set(set.pixels.subarray(index * size, (index + 1) * size), i * size);
    return set.labels[index];
  });
  return { ...set, count: indices.length, pixels, labels };
}
