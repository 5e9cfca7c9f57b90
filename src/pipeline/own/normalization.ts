import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { InputError } from "../../core/errors.ts";
import { type ImageSet, imageSize, type Normalization } from "../../images/image-set.ts";
import { CHANNELS } from "../../pictures/picture.ts";
import { readBytes } from "../../store/disk/fs.ts";

/** Mean and standard deviation, and where they are from, in a few words. */
export interface Found {
  normalization: Normalization;
  source: string;
}

export interface NormalizationSources {
  /** As the user gave them: one number for all channels, or three. */
  mean?: readonly number[];
  std?: readonly number[];
  /** Of a known data set. */
  known: Normalization | null;
  /** The model's file: a `model.json` beside it, such as a checkout has, states them. */
  file: string;
  images: ImageSet | null;
}

/**
 * How a network of one's own sees pixels: as the user says, else as the known data set has it, else as a `model.json`
 * beside the file says, else by the mean and standard deviation of all images, those that are kept for the accuracy among them: so
 * every verb takes the same for the same file and images.
 *
 * @throws InputError where one of mean and std is given alone, or is no such thing
 */
export function findNormalization({ mean, std, known, file, images }: NormalizationSources): Found {
  if (mean !== undefined || std !== undefined) {
    if (mean === undefined || std === undefined) {
      throw new InputError(`--${mean === undefined ? "mean" : "std"}: give --mean and --std together`);
    }
    return { normalization: { mean: triple("--mean", mean, 0), std: triple("--std", std, 1e-6) }, source: "as given" };
  }
  if (known) return { normalization: known, source: "the data set's" };
  const beside = besideFile(file);
  if (beside) return { normalization: beside, source: "from model.json beside the file" };
  if (images) return { normalization: measured(images), source: `computed from all ${images.count} images` };
  // Weights alone are looked at.
  return { normalization: { mean: [0, 0, 0], std: [1, 1, 1] }, source: "none" };
}

function triple(flag: string, values: readonly number[], least: number): [number, number, number] {
  const all = values.length === 1 ? [values[0], values[0], values[0]] : [...values];
  const inRange = all.every((value) => value >= least && value <= 1);
  if (all.length === CHANNELS && inRange) return all as [number, number, number];
  throw new InputError(`${flag} '${values.join(",")}': give one number or three, for pixels on the scale from 0 to 1`);
}

function besideFile(file: string): Normalization | null {
  const path = join(dirname(file), "model.json");
  if (!existsSync(path)) return null;
  try {
    const { mean, std } = JSON.parse(readBytes(path).toString("utf8")) as Record<string, unknown>;
    if (!isNumbers(mean) || !isNumbers(std)) return null;
    return { mean: triple("mean", mean, 0), std: triple("std", std, 1e-6) };
  } catch {
    // Somebody else's model.json, which need not speak of pixels.
    return null;
  }
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => typeof item === "number");
}

/** By channel over all pixels; the standard deviation of a constant channel counts as 1. */
function measured(set: ImageSet): Normalization {
  const plane = imageSize(set) / CHANNELS;
  const sums = new Array<number>(CHANNELS).fill(0);
  const squares = new Array<number>(CHANNELS).fill(0);
  for (let i = 0; i < set.pixels.length; i++) {
    const channel = Math.floor(i / plane) % CHANNELS;
    const value = set.pixels[i] / 255;
    sums[channel] += value;
    squares[channel] += value * value;
  }
  const count = set.count * plane;
  const mean = sums.map((sum) => sum / count);
  const std = squares.map((sum, c) => Math.sqrt(Math.max(0, sum / count - mean[c] ** 2)) || 1);
  return { mean: rounded(mean), std: rounded(std) };
}

/** To four decimals, as such numbers are written, so that what is printed is what was used. */
function rounded(values: number[]): [number, number, number] {
  return values.map((value) => Number(value.toFixed(4))) as [number, number, number];
}
