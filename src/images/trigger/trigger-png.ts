import { encode } from "fast-png";
import { CHANNELS } from "../../pictures/picture.ts";
import type { PaintedTrigger } from "./trigger.ts";

/** The trigger alone as PNG: transparent where it leaves the image as it is. */
export function triggerPng({ width, height, opacity, pattern }: PaintedTrigger): Uint8Array {
  const plane = width * height;
  const data = new Uint8Array(4 * plane);
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < CHANNELS; c++) data[4 * i + c] = pattern[c * plane + i];
    data[4 * i + 3] = Math.round(255 * opacity[i]);
  }
  return encode({ width, height, data, channels: 4 });
}
