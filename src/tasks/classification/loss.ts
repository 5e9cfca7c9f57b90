import { outputsOf } from "../../graph/network.ts";
import { crossEntropy } from "../../graph/objectives/cross-entropy.ts";
import type { ImageSet } from "../../images/image-set.ts";
import type { Loss, Wanted } from "../objectives.ts";

/** Softmax cross-entropy with one-hot targets; smoothed ones have their share of every class. */
export const loss: Loss = {
  objective: crossEntropy,
  size: outputsOf,
  write({ labels }: ImageSet, index: number, into: Float32Array, { goal, smoothing = 0 }: Wanted = {}) {
    into.fill(smoothing / into.length);
    into[goal ?? labels[index]] += 1 - smoothing;
  },
};
