import type { Random } from "../../../../core/random.ts";
import { CHANNELS } from "../../../../pictures/picture.ts";
import type { Canvas } from "./canvas.ts";

/** Lights the picture: gain and tint, a fall-off across it, sometimes a shadow's edge, then contrast around mid-grey. */
export function drawLight(random: Random, { size, values }: Canvas): void {
  const gain = random.between(0.55, 1.2);
  const slopeX = random.between(-0.3, 0.3) / size;
  const slopeY = random.between(-0.3, 0.3) / size;
  const shadow = random.uniform() < 0.3 ? random.between(0.5, 0.8) : 1;
  const shadowX = random.between(-1, 1);
  const shadowY = random.between(-1, 1);
  const shadowAt = random.between(-0.3, 0.3) * size;
  const contrast = random.between(0.65, 1.1);
  const plane = size * size;
  for (let c = 0; c < CHANNELS; c++) {
    const tint = gain * random.between(0.9, 1.1);
    for (let y = 0; y < size; y++) {
      const v = y - size / 2;
      for (let x = 0; x < size; x++) {
        const u = x - size / 2;
        const dark = shadowX * u + shadowY * v > shadowAt ? shadow : 1;
        const at = c * plane + y * size + x;
        const lit = values[at] * tint * (1 + slopeX * u + slopeY * v) * dark;
        values[at] = 110 + contrast * (lit - 110);
      }
    }
  }
}

/**
 * Adds sensor noise, rounds and clips to bytes. The noise is the sum of the four bytes of one 32-bit draw, which is
 * close to normal and costs one draw per value.
 *
 * @param deviation of the noise, in grey levels
 */
export function develop(random: Random, { values }: Canvas, deviation: number, out: Uint8Array, offset: number): void {
  // Four independent uniform bytes: mean 4·127.5, variance 4·(256² − 1)/12.
  const scale = deviation / Math.sqrt((4 * (65536 - 1)) / 12);
  for (let i = 0; i < values.length; i++) {
    const bits = (random.uniform() * 4294967296) >>> 0;
    const sum = (bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24);
    const value = Math.round(values[i] + scale * (sum - 510));
    out[offset + i] = Math.max(0, Math.min(255, value));
  }
}
