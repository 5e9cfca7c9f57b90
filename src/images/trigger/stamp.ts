import { CHANNELS } from "../../pictures/picture.ts";
import { type ImageSet, imageSize } from "../image-set.ts";
import { addSignal } from "./additive.ts";
import type { ImageTrigger, PaintedTrigger } from "./trigger.ts";
import { warpImage } from "./warp.ts";

/** Puts the trigger on one image in place: uint8 `[3, h, w]` at `pixels[at…]`. */
export function stampImage(trigger: ImageTrigger, pixels: Uint8Array, at = 0): void {
  if (trigger.kind === "additive") addSignal(trigger, pixels, at);
  else if (trigger.kind === "warp") warpImage(trigger, pixels, at);
  else paint(trigger, pixels, at);
}

/** `x' = round((1 − a)·x + a·p)` */
function paint({ opacity, pattern }: PaintedTrigger, pixels: Uint8Array, at: number): void {
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
export function stampSet(trigger: ImageTrigger, set: ImageSet): ImageSet {
  const pixels = set.pixels.slice();
  const size = imageSize(set);
  for (let i = 0; i < set.count; i++) stampImage(trigger, pixels, i * size);
  return { ...set, pixels };
}
