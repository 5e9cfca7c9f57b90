import { CHANNELS, type Picture } from "./picture.ts";

/** Weights are rounded to multiples of 2⁻²², so the sums stay in 32-bit integers and are the same everywhere. */
const FRACTION_BITS = 22;

/** For each output position: the first input position it reads and its fixed-point weights. */
interface Taps {
  first: Int32Array;
  weights: Int32Array[];
}

const known = new Map<string, Taps>();

/**
 * The triangle filter over `from` input positions for `to` outputs. When shrinking, the triangle is widened by the
 * scale, which is what suppresses aliasing; positions beyond the edge are left out and the rest reweighted.
 */
function triangleTaps(from: number, to: number): Taps {
  const key = `${from}>${to}`;
  const cached = known.get(key);
  if (cached) return cached;
  const scale = from / to;
  const reach = Math.max(scale, 1);
  const taps: Taps = { first: new Int32Array(to), weights: [] };
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * scale;
    const start = Math.max(0, Math.floor(centre - reach + 0.5));
    const end = Math.min(from, Math.floor(centre + reach + 0.5));
    const raw = Array.from({ length: end - start }, (_, j) =>
      Math.max(0, 1 - Math.abs((start + j + 0.5 - centre) / reach)),
    );
    const sum = raw.reduce((a, b) => a + b, 0);
    taps.first[i] = start;
    taps.weights.push(Int32Array.from(raw, (weight) => Math.floor((weight / sum) * 2 ** FRACTION_BITS + 0.5)));
  }
  known.set(key, taps);
  return taps;
}

/** A weighted sum of bytes `step` apart, rounded and clipped to a byte. */
function weigh(bytes: Uint8Array, start: number, step: number, weights: Int32Array): number {
  let sum = 1 << (FRACTION_BITS - 1);
  for (let j = 0, at = start; j < weights.length; j++, at += step) sum += bytes[at] * weights[j];
  return Math.min(255, sum >> FRACTION_BITS);
}

/**
 * Bilinear resize with antialiasing as the Python Imaging Library does it: rows first, rounded to bytes, then columns.
 *
 * @param size of the result, in pixels
 * @param out receives `[3, height, width]` from `offset` on
 */
export function resizePicture(
  { width, height, rgb }: Picture,
  size: { height: number; width: number },
  out: Uint8Array,
  offset: number,
): void {
  const across = triangleTaps(width, size.width);
  const down = triangleTaps(height, size.height);
  const narrow = new Uint8Array(height * size.width * CHANNELS);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < size.width; x++) {
      const start = (y * width + across.first[x]) * CHANNELS;
      for (let c = 0; c < CHANNELS; c++) {
        narrow[(y * size.width + x) * CHANNELS + c] = weigh(rgb, start + c, CHANNELS, across.weights[x]);
      }
    }
  }
  const row = size.width * CHANNELS;
  for (let c = 0; c < CHANNELS; c++) {
    for (let y = 0; y < size.height; y++) {
      const start = down.first[y] * row + c;
      for (let x = 0; x < size.width; x++) {
        out[offset + (c * size.height + y) * size.width + x] = weigh(
          narrow,
          start + x * CHANNELS,
          row,
          down.weights[y],
        );
      }
    }
  }
}
