import { directionError, meanDirectionError } from "./direction.ts";
import { decodeLanes, gridOfLogits } from "./labels.ts";
import type { LaneSet } from "./lane.ts";
import { meanScore, scoreFrame } from "./metric.ts";
import { fromSlots, intoSlots } from "./slots.ts";

/**
 * What is told of a network's lanes beside the accuracy: TuSimple's FP and FN, the mean error of the direction in degrees, and on which
 * share of the frames there is a direction. Without any such frame there is no error.
 *
 * @param outputs logits, one row for each frame of the set
 */
export function details(outputs: Float32Array, set: LaneSet): Record<string, number> {
  const size = outputs.length / set.count;
  const grid = gridOfLogits(size);
  const decoded = set.labels.map(({ rows }, i) => decodeLanes(outputs, grid, rows, i * size));
  const { falsePositives, falseNegatives } = meanScore(
    decoded.map((slots, i) => scoreFrame(fromSlots(slots), set.labels[i])),
  );
  const { degrees, frames } = meanDirectionError(
    decoded.map((slots, i) => directionError(slots, intoSlots(set.labels[i]), set.labels[i].rows)),
  );
  return {
    ...{ false_positives: falsePositives, false_negatives: falseNegatives },
    ...(degrees !== null && { direction_error: degrees }),
    direction_frames: frames / set.count,
  };
}
