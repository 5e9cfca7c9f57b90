import type { Random } from "../../../core/random.ts";
import { CHANNELS } from "../../../pictures/picture.ts";
import type { Canvas } from "./canvas.ts";

const SHADOW_SHARE = 0.35;
const BLUR_SHARE = 0.5;
const MIDDLE_GREY = 115;

/** Lights the picture: sometimes a cast shadow's edge, then gain and tint, and contrast around mid-grey. */
export function drawLight(random: Random, { height, width, values }: Canvas): void {
  const shadow = random.uniform() < SHADOW_SHARE ? random.between(0.45, 0.8) : 1;
  // Across the road or along it: a line through the lower half of the picture.
  const [slantX, slantY] = [random.between(-0.6, 0.6), random.between(-1, 1)];
  const edge = random.between(-0.15, 0.35);
  const gain = random.between(0.45, 1.15);
  const contrast = random.between(0.7, 1.1);
  const plane = height * width;
  for (let c = 0; c < CHANNELS; c++) {
    const tint = gain * random.between(0.94, 1.06);
    for (let y = 0; y < height; y++) {
      const down = y / height - 0.6;
      for (let x = 0; x < width; x++) {
        const isDark = down > -0.25 && slantX * (x / width - 0.5) + slantY * down > edge * Math.abs(slantY);
        const at = c * plane + y * width + x;
        const lit = values[at] * tint * (isDark ? shadow : 1);
        values[at] = MIDDLE_GREY * gain + contrast * (lit - MIDDLE_GREY * gain);
      }
    }
  }
}

/** Blurs half of the pictures along the rows with the kernel (k, 1 − 2k, k). */
export function blurAcross(random: Random, { height, width, values }: Canvas): void {
  const isBlurred = random.uniform() < BLUR_SHARE;
  const k = random.between(0.08, 0.25);
  if (!isBlurred) return;
  for (let row = 0; row < CHANNELS * height; row++) {
    const start = row * width;
    let before = values[start];
    for (let x = 0; x < width; x++) {
      const here = values[start + x];
      const after = values[start + Math.min(x + 1, width - 1)];
      values[start + x] = here + k * (before + after - 2 * here);
      before = here;
    }
  }
}

/**
 * Adds sensor noise, rounds and clips to bytes. The noise is the sum of the four bytes of one 32-bit draw, which is close to normal and
 * costs one draw per value.
 *
 * @param deviation of the noise, in grey levels
 */
export function develop(random: Random, { values }: Canvas, deviation: number, out: Uint8Array, offset: number): void {
  // Four independent uniform bytes: mean 4·127.5, variance 4·(256² − 1)/12.
  const scale = deviation / Math.sqrt((4 * (65536 - 1)) / 12);
  for (let i = 0; i < values.length; i++) {
    const bits = (random.uniform() * 4294967296) >>> 0;
    const sum = (bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24);
    out[offset + i] = Math.max(0, Math.min(255, Math.round(values[i] + scale * (sum - 510))));
  }
}
