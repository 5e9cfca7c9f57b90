import { createHash } from "node:crypto";
import type { LaneSet } from "./lane.ts";

/** SHA-256 over frames and labels, train before test, each after its count and size. It does not depend on the split. */
export function laneDataHash(train: LaneSet, test: LaneSet): string {
  const hash = createHash("sha256");
  for (const { count, height, width, pixels, labels } of [train, test]) {
    hash.update(`${count}x${height}x${width}\n`).update(pixels);
    for (const { rows, lanes } of labels) hash.update(`${JSON.stringify([rows, lanes])}\n`);
  }
  return hash.digest("hex");
}
