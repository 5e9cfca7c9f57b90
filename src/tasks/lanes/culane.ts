import { join } from "node:path";
import { InputError } from "../../core/errors.ts";
import { visible } from "../../core/visible.ts";
import { readDataFile } from "../../files/data-file.ts";
import { ABSENT, FRAME, type Lane } from "./lane.ts";
import type { Point } from "./line-fit.ts";

/** The pictures of CULane. */
export const CULANE_FRAME = { height: 590, width: 1640 } as const;

const MOST_LINES_BYTES = 1 << 20;
const MOST_LIST_BYTES = 64 << 20;
const MOST_FRAMES = 1_000_000;
const MOST_LANES = 4;
/** Lanes are drawn beyond the picture's edges. */
const FARTHEST = 10_000;

/** A lane's points in pixels of a 1640×590 picture, from the bottom row upwards. */
export type CulaneLane = Point[];

/**
 * Reads the lanes of one picture (`X.lines.txt` beside `X.jpg`): one lane a line, `x y x y …`, at most four.
 *
 * @throws InputError naming the file, the line and the first fault
 */
export function readCulaneLines(path: string): CulaneLane[] {
  const lines = readDataFile(path, MOST_LINES_BYTES).toString("utf8").split("\n");
  const lanes: CulaneLane[] = [];
  for (const [i, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const fail = (why: string) => new InputError(`${path}:${i + 1}: ${why}`);
    const numbers = line.trim().split(/\s+/).map(toNumber);
    const wrong = numbers.findIndex((value) => !(Math.abs(value) <= FARTHEST));
    if (wrong >= 0) throw fail(`value ${wrong + 1} is no number from −${FARTHEST} to ${FARTHEST}`);
    if (numbers.length % 2 !== 0) throw fail(`has ${numbers.length} numbers; x and y come in pairs`);
    const points = Array.from({ length: numbers.length / 2 }, (_, k) => ({ x: numbers[2 * k], y: numbers[2 * k + 1] }));
    if (points.some(({ y }, k) => k > 0 && y >= points[k - 1].y))
      throw fail("its rows do not go upwards; the bottom row comes first");
    if (lanes.length === MOST_LANES) throw fail(`has more than ${MOST_LANES} lanes`);
    lanes.push(points);
  }
  return lanes;
}

/**
 * Reads a list of pictures (`list/{train,val,test}.txt`, or `train_gt.txt` whose further fields are passed over).
 *
 * @returns paths below the data set's folder, without their leading `/`
 * @throws InputError naming the file, the line and the first fault
 */
export function readCulaneList(path: string): string[] {
  const lines = readDataFile(path, MOST_LIST_BYTES).toString("utf8").split("\n");
  if (lines.at(-1)?.trim() === "") lines.pop();
  if (lines.length > MOST_FRAMES) throw new InputError(`${path}: has more than ${MOST_FRAMES} lines`);
  return lines.map((line, i) => {
    const picture = line.trim().split(/\s+/)[0].replace(/^\//, "");
    const isBelow = picture.split("/").every((part) => part !== "" && part !== "." && part !== "..");
    if (!isBelow || !/^[\w./-]+\.jpg$/.test(picture))
      throw new InputError(
        `${path}:${i + 1}: '${visible(picture.slice(0, 100))}' is no path of a JPEG below the folder`,
      );
    return picture;
  });
}

/** The file with a picture's lanes. @param picture as `readCulaneList` gives it */
export function culaneLinesFile(root: string, picture: string): string {
  return join(root, picture.replace(/\.jpg$/, ".lines.txt"));
}

/**
 * The x of a lane at rows of a 1280×720 picture, linear between its points; −2 beyond its ends and outside the picture.
 *
 * @param rows y in pixels of a 1280×720 picture
 */
export function culaneLaneAt(lane: CulaneLane, rows: readonly number[]): Lane {
  const [scaleX, scaleY] = [FRAME.width / CULANE_FRAME.width, FRAME.height / CULANE_FRAME.height];
  return rows.map((row) => {
    const y = row / scaleY;
    const after = lane.findIndex((point) => point.y <= y);
    if (after < 0) return ABSENT;
    if (after === 0 && lane[0].y < y) return ABSENT;
    const [high, low] = [lane[after], lane[Math.max(0, after - 1)]];
    const share = low.y > high.y ? (y - high.y) / (low.y - high.y) : 0;
    const x = (high.x + share * (low.x - high.x)) * scaleX;
    return x >= 0 && x < FRAME.width ? x : ABSENT;
  });
}

/** NaN for what is no plain decimal number. */
function toNumber(text: string): number {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
}
