import { InputError } from "../../../../core/errors.ts";
import { readDataFile } from "../../../../files/data-file.ts";
import type { ImageSet } from "../../../../images/image-set.ts";
import { readDataPickle } from "../../../../tensor/data-pickle.ts";
import { NumpyArray } from "../../../../tensor/numpy-pickle.ts";
import { type CifarLayout, checkLabel, PIXELS, SIDE } from "./binary.ts";

const MOST_META_BYTES = 1 << 20;
/** CIFAR-100's training images have 155 MB. */
const MOST_BATCH_BYTES = 256 << 20;

/**
 * Reads batches of CIFAR's python version: pickles of a dict with `data`, a uint8 array `[n, 3072]`, and lists of labels. They
 * are read as data and never executed.
 *
 * @throws InputError naming the file that is damaged, holds anything else, or has a label out of range
 */
export function readCifarPickles(paths: readonly string[], layout: CifarLayout): ImageSet {
  const batches = paths.map((path) => readBatch(path, layout));
  const count = batches.reduce((sum, { labels }) => sum + labels.length, 0);
  const set = {
    count,
    height: SIDE,
    width: SIDE,
    pixels: new Uint8Array(count * PIXELS),
    labels: new Uint8Array(count),
  };
  let at = 0;
  for (const { pixels, labels } of batches) {
    set.pixels.set(pixels, at * PIXELS);
    set.labels.set(labels, at);
    at += labels.length;
  }
  return set;
}

function readBatch(path: string, layout: CifarLayout): { pixels: Uint8Array; labels: number[] } {
  const batch = readDict(path);
  const data = batch.get("data");
  const pixels = data instanceof NumpyArray ? data.bytes() : null;
  const isImages =
    data instanceof NumpyArray && [`${PIXELS}`, `3,${SIDE},${SIDE}`].includes(data.shape.slice(1).join());
  if (!pixels || !isImages) {
    throw new InputError(
      `${path}: has no 'data' of uint8 in the shape (n, ${PIXELS}), as CIFAR's python version has it`,
    );
  }
  const count = data.shape[0];
  if (count === 0) throw new InputError(`${path}: holds no images`);
  const lists = layout.labels.map((label, i) => {
    const list = numbersOf(batch.get(label.key));
    if (!list && i !== layout.labelAt && !batch.has(label.key)) return null;
    if (list?.length !== count) {
      throw new InputError(`${path}: has no list '${label.key}' of ${count} labels, one for each image`);
    }
    for (const [record, value] of list.entries()) checkLabel(path, record, value, label);
    return list;
  });
  return { pixels, labels: lists[layout.labelAt]! };
}

/** The class names of `batches.meta` or `meta`. @param key of their list */
export function readPickledNames(path: string, key: string): string[] {
  const names = readDict(path, MOST_META_BYTES).get(key);
  if (!Array.isArray(names)) throw new InputError(`${path}: has no list '${key}'`);
  return names.map((name) => textOf(name) ?? String(name));
}

function readDict(path: string, most = MOST_BATCH_BYTES): Map<string, unknown> {
  const value = readDataPickle(readDataFile(path, most), path);
  if (!(value instanceof Map)) throw new InputError(`${path}: is a pickle, but of no dict`);
  // Python 3 has texts or bytes as keys, by how the file was written.
  return new Map([...value].map(([key, held]) => [textOf(key) ?? "", held]));
}

function textOf(value: unknown): string | null {
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  return typeof value === "string" ? value : null;
}

function numbersOf(value: unknown): number[] | null {
  if (value instanceof NumpyArray) return value.shape.length === 1 ? value.numbers() : null;
  return Array.isArray(value) ? value : null;
}
