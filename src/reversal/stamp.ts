import { type Images, imageSize } from "../images/image-set.ts";
import type { ReversedPatch } from "./targeted.ts";

/** A copy of the images with a patch on every one, in whole pixel values; labels stay. */
export function stampPatch<S extends Images>(
  { opacity, pattern }: Pick<ReversedPatch, "opacity" | "pattern">,
  set: S,
): S {
  const plane = opacity.length;
  const size = imageSize(set);
  const pixels = set.pixels.map((x, k) => {
    const m = opacity[k % plane];
    return Math.round((1 - m) * x + m * pattern[k % size]);
  });
  return { ...set, pixels };
}
