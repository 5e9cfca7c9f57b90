import { CHANNELS } from "../../pictures/picture.ts";
import { type ImageSet, imageSize } from "../image-set.ts";
import type { PaintedTrigger } from "./trigger.ts";

/** Stamps the trigger on one image in place: uint8 `[3, h, w]` at `pixels[at…]`; `x' = round((1 − a)·x + a·p)`. */
export function stampImage(trigger: PaintedTrigger, pixels: Uint8Array, at = 0): void {
  const { opacity, pattern } = trigger;
  const plane = opacity.length;
  for (let i = 0; i < plane; i++) {
    const a = opacity[i];
    if (a === 0) continue;
    for (let c = 0; c < CHANNELS; c++) {
      const k = c * plane + i;
      pixels[at + k] = Math.round((1 - a) * pixels[at + k] + a * pattern[k]);
    }
  }
}

/** A copy of the images with the trigger on every one; labels stay the true ones. */
export function stampSet(trigger: PaintedTrigger, set: ImageSet): ImageSet {
  const pixels = set.pixels.slice();
  const size = imageSize(set);
  for (let i = 0; i < set.count; i++) stampImage(trigger, pixels, i * size);
  return { ...set, pixels };
}
