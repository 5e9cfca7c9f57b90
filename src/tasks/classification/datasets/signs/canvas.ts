import type { Random } from "../../../../core/random.ts";
import { CHANNELS } from "../../../../pictures/picture.ts";
import type { Colour } from "./classes.ts";

/** A square picture being drawn: `[3, size, size]`, values 0 … 255, not yet rounded or clipped. */
export interface Canvas {
  size: number;
  values: Float32Array;
}

export function createCanvas(size: number): Canvas {
  return { size, values: new Float32Array(CHANNELS * size * size) };
}

/** Mixes a colour into one pixel; `opacity` outside [0, 1] counts as the nearer end. */
export function mix({ size, values }: Canvas, pixel: number, colour: Colour, opacity: number): void {
  if (opacity <= 0) return;
  const share = Math.min(opacity, 1);
  const plane = size * size;
  for (let c = 0; c < CHANNELS; c++) {
    const at = c * plane + pixel;
    values[at] += share * (colour[c] - values[at]);
  }
}

/** A colour near the given one. */
export function jitter(random: Random, colour: Colour, spread: number): Colour {
  const near = (value: number) => value + random.between(-spread, spread);
  return [near(colour[0]), near(colour[1]), near(colour[2])];
}

/** Blurs with the kernel (k, 1 − 2k, k) along both axes; edge pixels repeat outwards. */
export function blur({ size, values }: Canvas, k: number): void {
  const line = new Float32Array(size);
  const smooth = (start: number, step: number) => {
    for (let i = 0; i < size; i++) line[i] = values[start + i * step];
    for (let i = 0; i < size; i++) {
      const before = line[i > 0 ? i - 1 : 0];
      const after = line[i < size - 1 ? i + 1 : i];
      values[start + i * step] = line[i] + k * (before + after - 2 * line[i]);
    }
  };
  for (let row = 0; row < CHANNELS * size; row++) smooth(row * size, 1);
  for (let c = 0; c < CHANNELS; c++) for (let x = 0; x < size; x++) smooth(c * size * size + x, size);
}
