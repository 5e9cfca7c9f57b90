import { InputError } from "../../../../core/errors.ts";
import { readDataFile } from "../../../../files/data-file.ts";
import type { ImageSet } from "../../../../images/image-set.ts";
import { CHANNELS } from "../../../../pictures/picture.ts";

export const SIDE = 32;
export const PIXELS = CHANNELS * SIDE * SIDE;
const MOST_NAMES_BYTES = 1 << 20;

/** What a CIFAR record holds: labels, then 1,024 red, green and blue bytes, row-major. */
export interface CifarLayout {
  /** The labels: what each is called in a message and in the python version, and how many classes it tells apart. */
  labels: { name: string; key: string; classes: number }[];
  /** Which of the labels is the class. */
  labelAt: number;
}

/** @throws InputError naming the file and the record (counted from 0) whose label is out of range */
export function checkLabel(
  path: string,
  record: number,
  label: unknown,
  { name, classes }: CifarLayout["labels"][number],
): void {
  if (Number.isInteger(label) && (label as number) >= 0 && (label as number) < classes) return;
  throw new InputError(
    `${path}: record ${record} has ${name} ${String(label).slice(0, 40)}; valid are 0 to ${classes - 1}`,
  );
}

/**
 * Reads files of whole records, one after the other.
 *
 * @throws InputError naming the file whose size is no whole number of records (or zero), or the file and the record
 *   (counted from 0) whose label is out of range
 */
export function readCifarFiles(paths: readonly string[], layout: CifarLayout): ImageSet {
  const record = layout.labels.length + PIXELS;
  const files = paths.map((path) => ({ path, bytes: readDataFile(path) }));
  for (const { path, bytes } of files) {
    if (bytes.length === 0) throw new InputError(`${path}: the file is empty`);
    if (bytes.length % record !== 0) {
      throw new InputError(
        `${path}: ${bytes.length} bytes are no whole number of records of ${record} bytes; the file is truncated or of another format`,
      );
    }
  }
  const count = files.reduce((sum, { bytes }) => sum + bytes.length / record, 0);
  const pixels = new Uint8Array(count * PIXELS);
  const labels = new Uint8Array(count);
  let at = 0;
  for (const { path, bytes } of files) {
    for (let start = 0; start < bytes.length; start += record, at++) {
      for (const [i, label] of layout.labels.entries()) checkLabel(path, start / record, bytes[start + i], label);
      labels[at] = bytes[start + layout.labelAt];
      pixels.set(bytes.subarray(start + layout.labels.length, start + record), at * PIXELS);
    }
  }
  return { count, height: SIDE, width: SIDE, pixels, labels };
}

/** The class names of a file, one a line. */
export function readNameLines(path: string): string[] {
  const lines = readDataFile(path, MOST_NAMES_BYTES)
    .toString("utf8")
    .split(/\r?\n/)
    .map((line) => line.trim());
  while (lines.at(-1) === "") lines.pop();
  return lines;
}

/**
 * Checks class names in label order.
 *
 * @throws InputError naming the file and the class that differs
 */
export function checkClassNames(path: string, names: readonly string[], classes: readonly string[]): void {
  if (names.length !== classes.length) {
    throw new InputError(`${path}: ${names.length} class names, expected ${classes.length}`);
  }
  const wrong = names.findIndex((name, i) => name !== classes[i]);
  if (wrong >= 0)
    throw new InputError(`${path}: class ${wrong} is '${names[wrong].slice(0, 40)}', expected '${classes[wrong]}'`);
}
