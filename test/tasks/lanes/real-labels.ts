import { existsSync } from "node:fs";
import { join } from "node:path";
import { type LabelledPicture, readLabelFile } from "../../../src/tasks/lanes/tusimple/label-file.ts";

/** The real labels and six real frames, or "" where `BDEFECTS_DATA` does not lead to them. */
export const REAL = process.env.BDEFECTS_DATA ? join(process.env.BDEFECTS_DATA, "lanes") : "";
export const LACKS_REAL = !existsSync(join(REAL, "tusimple-labels"));

/** The labels of one of TuSimple's files. */
export function realLabels(name: string): LabelledPicture[] {
  return readLabelFile(join(REAL, "tusimple-labels", name));
}
