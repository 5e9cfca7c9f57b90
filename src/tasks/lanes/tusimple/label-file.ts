import { InputError } from "../../../core/errors.ts";
import { visible } from "../../../core/visible.ts";
import { readDataFile } from "../../../files/data-file.ts";
import { ABSENT, FRAME, isSeen, type Lane, type LaneLabels } from "../lane.ts";

/** The largest official file has 4 MB. */
const MOST_FILE_BYTES = 64 << 20;
const MOST_FRAMES = 20_000;
/** An official line has at most 2,000. */
const MOST_LINE_CHARACTERS = 64 << 10;
const MOST_LANES = 5;
const MOST_PATH_CHARACTERS = 200;

/** One line of a label file. */
export interface LabelledPicture extends LaneLabels {
  /** Path below the folder of the pictures, e.g. `clips/0601/1494452385593783358/20.jpg`. */
  picture: string;
  /** Where it is labelled, for messages: `FILE:LINE`. */
  place: string;
}

/**
 * Reads TuSimple's labels: one JSON object a line with `raw_file`, `h_samples` (ascending rows in equal steps) and `lanes` (lists as long
 * as `h_samples`, x or −2, at most five).
 *
 * @throws InputError naming the file, the line and the first fault
 */
export function readLabelFile(path: string): LabelledPicture[] {
  return parseLabels(readDataFile(path, MOST_FILE_BYTES), path);
}

/** `readLabelFile` of bytes. @param path for messages */
export function parseLabels(bytes: Uint8Array, path: string): LabelledPicture[] {
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8").split("\n");
  if (lines.at(-1)?.trim() === "") lines.pop();
  if (lines.length === 0) throw new InputError(`${path}: is empty; a label file has one JSON object a line`);
  if (lines.length > MOST_FRAMES) throw new InputError(`${path}: has more than ${MOST_FRAMES} lines`);
  const seen = new Map<string, number>();
  return lines.map((line, i) => {
    const place = `${path}:${i + 1}`;
    const labelled = parseLine(line, place);
    const first = seen.get(labelled.picture);
    if (first !== undefined)
      throw new InputError(`${place}: ${visible(labelled.picture)} is labelled in line ${first} already`);
    seen.set(labelled.picture, i + 1);
    return labelled;
  });
}

function parseLine(line: string, place: string): LabelledPicture {
  const fail = (why: string) => new InputError(`${place}: ${why}`);
  if (line.length > MOST_LINE_CHARACTERS) throw fail(`is longer than ${MOST_LINE_CHARACTERS} characters`);
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw fail("is no JSON; a label file has one JSON object a line");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw fail("is no JSON object");
  const { raw_file: picture, h_samples: rows, lanes } = value as Record<string, unknown>;
  if (typeof picture !== "string") throw fail("lacks raw_file, the picture's path");
  if (!isPathBelow(picture)) {
    const shown = visible(picture.slice(0, MOST_PATH_CHARACTERS));
    throw fail(`raw_file '${shown}' is no path of a picture below the data set's folder`);
  }
  if (!Array.isArray(rows)) throw fail("lacks h_samples, the list of rows");
  if (!isRowList(rows)) throw fail(`h_samples are not ascending rows of 0 to ${FRAME.height - 1} in equal steps`);
  if (!Array.isArray(lanes)) throw fail("lacks lanes, the list of lists of x");
  if (lanes.length > MOST_LANES) throw fail(`has ${lanes.length} lanes; a frame has at most ${MOST_LANES}`);
  for (const [i, lane] of lanes.entries()) {
    if (!Array.isArray(lane)) throw fail(`lane ${i + 1} is no list`);
    if (lane.length !== rows.length)
      throw fail(`lane ${i + 1} has ${lane.length} values, and h_samples have ${rows.length}`);
    const wrong = lane.findIndex((x) => typeof x !== "number" || (x !== ABSENT && !(isSeen(x) && x < FRAME.width)));
    if (wrong >= 0) {
      const shown = visible(String(JSON.stringify(lane[wrong])).slice(0, 40));
      throw fail(`lane ${i + 1} has x = ${shown} at row ${rows[wrong]}; x lies in 0 to ${FRAME.width - 1}, or is −2`);
    }
  }
  return { picture, place, rows, lanes: lanes as Lane[] };
}

/** Nothing that could lead out of the folder: no drive, root, back-slash or `..`. */
function isPathBelow(path: string): boolean {
  if (path.length > MOST_PATH_CHARACTERS || !/^[\w. /-]+$/.test(path)) return false;
  return path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

function isRowList(rows: unknown[]): rows is number[] {
  if (rows.length < 2 || rows.length > FRAME.height) return false;
  if (!rows.every((row) => Number.isInteger(row) && (row as number) >= 0 && (row as number) < FRAME.height))
    return false;
  const [first, second] = rows as number[];
  return second > first && (rows as number[]).every((row, i) => row === first + i * (second - first));
}
