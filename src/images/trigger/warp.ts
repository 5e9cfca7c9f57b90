import { CHANNELS } from "../../pictures/picture.ts";
import type { WarpTrigger } from "./trigger.ts";

/**
 * Bends one image in place: uint8 `[3, h, w]` at `pixels[at…]`. As PyTorch's `grid_sample` with `align_corners=True` and
 * `padding_mode="border"`, rounded to whole grey levels.
 */
export function warpImage({ height, width, flow }: WarpTrigger, pixels: Uint8Array, at: number): void {
  const plane = height * width;
  const before = pixels.slice(at, at + CHANNELS * plane);
  for (let i = 0, k = 0; i < height; i++) {
    for (let j = 0; j < width; j++, k++) {
      const y = within(i + flow[k], height - 1);
      const x = within(j + flow[plane + k], width - 1);
      const [top, left] = [Math.floor(y), Math.floor(x)];
      const [bottom, right] = [Math.min(top + 1, height - 1), Math.min(left + 1, width - 1)];
      const [down, across] = [y - top, x - left];
      for (let c = 0; c < CHANNELS; c++) {
        const row = (r: number) =>
          (1 - across) * before[c * plane + r * width + left] + across * before[c * plane + r * width + right];
        pixels[at + c * plane + k] = Math.round((1 - down) * row(top) + down * row(bottom));
      }
    }
  }
}

function within(value: number, last: number): number {
  return Math.min(last, Math.max(0, value));
}

/** PyTorch's constant of bicubic interpolation. */
const A = -0.75;

/**
 * A coarse field of displacements enlarged by bicubic interpolation, corner to corner, as PyTorch's `interpolate` with
 * `mode="bicubic", align_corners=True` does.
 *
 * @param coarse `[rows, columns]`
 * @returns `[height, width]`
 */
export function enlarge(coarse: number[][], height: number, width: number): number[] {
  const across = coarse.map((row) => stretch(row, width));
  const columns = Array.from({ length: width }, (_, j) =>
    stretch(
      across.map((row) => row[j]),
      height,
    ),
  );
  return Array.from({ length: height * width }, (_, k) => columns[k % width][Math.floor(k / width)]);
}

function stretch(values: number[], length: number): number[] {
  const last = values.length - 1;
  return Array.from({ length }, (_, i) => {
    const place = length > 1 ? (i * last) / (length - 1) : 0;
    const left = Math.floor(place);
    const part = place - left;
    const weights = [far(1 + part), near(part), near(1 - part), far(2 - part)];
    return weights.reduce((sum, weight, n) => sum + weight * values[within(left - 1 + n, last)], 0);
  });
}

function near(d: number): number {
  return ((A + 2) * d - (A + 3)) * d * d + 1;
}

function far(d: number): number {
  return ((A * d - 5 * A) * d + 8 * A) * d - 4 * A;
}
