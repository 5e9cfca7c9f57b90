import { InputError } from "../core/errors.ts";
import { readDataFile } from "./files.ts";
import { CHANNELS, type ImageSet } from "./types.ts";

const SIDE = 32;
const PIXELS = CHANNELS * SIDE * SIDE;

/** How a CIFAR file lays out a record: label bytes, then 1,024 red, green and blue bytes, row-major. */
export interface CifarLayout {
  /** The label bytes: what each is called in a message, and how many classes it tells apart. */
  labels: { name: string; classes: number }[];
  /** Which of the label bytes is the class. */
  labelAt: number;
}

/**
 * Reads files of whole records, one after the other.
 *
 * @throws InputError naming the file whose size is no whole number of records (or zero), or the file and the record
 *   (counted from 0) whose label is out of range
 */
export function readCifarFiles(paths: readonly string[], layout: CifarLayout): ImageSet {
  return readCifarRecords(
    paths.map((path) => ({ path, bytes: readDataFile(path) })),
    layout,
  );
}

/** As `readCifarFiles`, of files that were read. */
export function readCifarRecords(files: readonly { path: string; bytes: Buffer }[], layout: CifarLayout): ImageSet {
  const record = layout.labels.length + PIXELS;
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
      for (const [i, { name, classes }] of layout.labels.entries()) {
        const label = bytes[start + i];
        if (label < classes) continue;
        throw new InputError(`${path}: record ${start / record} has ${name} ${label}; valid are 0 to ${classes - 1}`);
      }
      labels[at] = bytes[start + layout.labelAt];
      pixels.set(bytes.subarray(start + layout.labels.length, start + record), at * PIXELS);
    }
  }
  return { count, height: SIDE, width: SIDE, pixels, labels };
}

/**
 * Checks a file of class names, one a line, against the names in label order.
 *
 * @throws InputError naming the file and the line that differs
 */
export function checkClassNames(path: string, classes: readonly string[]): void {
  const lines = readDataFile(path)
    .toString("utf8")
    .split(/\r?\n/)
    .map((line) => line.trim());
  while (lines.at(-1) === "") lines.pop();
  if (lines.length !== classes.length) {
    throw new InputError(`${path}: ${lines.length} class names, expected ${classes.length}`);
  }
  const wrong = lines.findIndex((line, i) => line !== classes[i]);
  if (wrong >= 0)
    throw new InputError(`${path}: class ${wrong} is '${lines[wrong].slice(0, 40)}', expected '${classes[wrong]}'`);
}
