import { statSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { InputError } from "../../core/errors.ts";
import type { ImageSet } from "../../images/image-set.ts";
import { CHANNELS } from "../../pictures/picture.ts";
import { resizePicture } from "../../pictures/resize.ts";
import { exists, readBytes, withPath } from "../../store/disk/fs.ts";
import { decodeNpy, type NpyArray } from "../../tensor/npy.ts";
import { readNpz } from "./npz.ts";

const MOST_BYTES = 1 << 30;

/** Images of arrays, and what was done to them. */
export interface Arrays {
  set: ImageSet;
  notes: string[];
}

/**
 * Reads labelled images from a `.npz` with one array of images and one of labels, or from a `.npy` with its labels beside it:
 * `x_labels.npy` of `x_clean.npy`, `x_images.npy` or `x.npy`, else `labels.npy`.
 *
 * @param side images are resized to `side × side`
 * @param classes labels are whole numbers below. @throws InputError naming the array and its fault
 */
export async function readArrays(path: string, side: number, classes: number): Promise<Arrays> {
  const { images, labels } = extname(path).toLowerCase() === ".npz" ? pick(path, await readNpz(path)) : beside(path);
  const notes: string[] = [];
  const pixels = bytesOf(images, notes);
  const [count, channelsFirst, height, width] = layoutOf(images);
  if (labels.array.shape.join() !== String(count)) {
    throw new InputError(`${labels.name}: is of shape (${labels.array.shape.join(", ")}) for ${count} images`);
  }
  const bad = labels.array.values.findIndex((label) => !Number.isInteger(label) || label < 0 || label >= classes);
  if (bad >= 0) {
    throw new InputError(
      `${labels.name}: label ${bad} is ${labels.array.values[bad]}; the network's classes are 0 to ${classes - 1}`,
    );
  }
  const set: ImageSet = {
    count,
    height: side,
    width: side,
    pixels: new Uint8Array(count * CHANNELS * side * side),
    labels: Uint8Array.from(labels.array.values),
  };
  const plane = height * width;
  const size = CHANNELS * plane;
  for (let i = 0; i < count; i++) {
    const one = pixels.subarray(i * size, (i + 1) * size);
    const rgb = channelsFirst ? one.map((_, k) => one[(k % CHANNELS) * plane + Math.floor(k / CHANNELS)]) : one;
    resizePicture({ width, height, rgb }, set, set.pixels, i * CHANNELS * side * side);
  }
  if (height !== side || width !== side) notes.push(`images of ${height}×${width} were resized to ${side}×${side}`);
  return { set, notes };
}

/** An array with the name that messages give it. */
interface Named {
  name: string;
  array: NpyArray;
}

/** The one array of images, and the one of labels, by their shapes. */
function pick(path: string, arrays: ReadonlyMap<string, NpyArray>): { images: Named; labels: Named } {
  const all = [...arrays].map(([name, array]) => ({ name: `${path}: ${name}`, short: name, array }));
  const images = all.filter(({ array }) => array.shape.length === 4);
  const labels = all.filter(({ array }) => array.shape.length === 1);
  if (images.length === 1 && labels.length === 1) return { images: images[0], labels: labels[0] };
  const held = all.map(({ short, array }) => `${short} (${array.shape.join(", ")})`).join(", ") || "nothing";
  throw new InputError(`${path}: holds ${held}; give one array of images (N, 3, H, W) and one of labels (N)`);
}

function beside(path: string): { images: Named; labels: Named } {
  const stem = basename(path, extname(path)).replace(/_(clean|images)$/, "");
  const candidates = [`${stem}_labels.npy`, "labels.npy"].map((name) => join(dirname(path), name));
  const found = candidates.find((candidate) => candidate !== path && exists(candidate));
  if (found === undefined) {
    throw new InputError(`${path}: has no labels beside it; save them as ${candidates[0]}, or both in one .npz`);
  }
  return { images: { name: path, array: readNpy(path) }, labels: { name: found, array: readNpy(found) } };
}

function readNpy(path: string): NpyArray {
  if (withPath(path, () => statSync(path)).size > MOST_BYTES) {
    throw new InputError(`${path}: is larger than 1 GB; give a sample`);
  }
  return decodeNpy(readBytes(path), path);
}

function layoutOf({
  name,
  array: { shape },
}: Named): [count: number, channelsFirst: boolean, height: number, width: number] {
  const [count, a, b, c] = shape;
  const isImages = shape.length === 4 && count > 0 && b > 0;
  if (isImages && a === CHANNELS && c > 0) return [count, true, b, c];
  if (isImages && c === CHANNELS && a > 0) return [count, false, a, b];
  throw new InputError(`${name}: is of shape (${shape.join(", ")}); give RGB images (N, 3, H, W) or (N, H, W, 3)`);
}

/** Pixels from 0 to 255: bytes as they are; other numbers where they are whole, or floats from 0 to 1. */
function bytesOf({ name, array }: Named, notes: string[]): Uint8Array {
  const { values, descr } = array;
  if (values instanceof Uint8Array) return values;
  let [low, high, isWhole] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, true];
  for (const value of values) {
    if (!Number.isFinite(value)) throw new InputError(`${name}: holds ${value}`);
    if (value < low) low = value;
    if (value > high) high = value;
    isWhole &&= Number.isInteger(value);
  }
  if (low >= 0 && high <= 255 && isWhole && high > 1) return Uint8Array.from(values);
  if (low >= 0 && high <= 1 && descr.includes("f")) {
    notes.push(`${name}: floats from 0 to 1 were taken for pixel / 255`);
    return Uint8Array.from(values, (value) => Math.round(255 * value));
  }
  throw new InputError(
    `${name}: holds ${descr} from ${low} to ${high}; give pixels as uint8, not normalised: mean and std are applied here`,
  );
}
