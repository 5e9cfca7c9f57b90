import type { AdditiveTrigger } from "./trigger.ts";

const WHITE = 255;

/** Adds the signal to one image in place: uint8 `[3, h, w]` at `pixels[at…]`. */
export function addSignal({ signal }: AdditiveTrigger, pixels: Uint8Array, at: number): void {
  for (let k = 0; k < signal.length; k++) {
    pixels[at + k] = Math.min(WHITE, Math.max(0, Math.round(pixels[at + k] + signal[k])));
  }
}
