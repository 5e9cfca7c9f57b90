import { isSeen } from "./lane.ts";
import { EGO_LEFT, EGO_RIGHT, type SlottedLanes } from "./slots.ts";

/** How far the predicted driving direction is off, over frames. */
export interface DirectionError {
  /** Mean absolute angle in degrees; null where no frame was counted. */
  degrees: number | null;
  frames: number;
  /** Frames that lack a boundary of the car's own lane, in the truth or in the prediction. */
  skipped: number;
}

/**
 * The angle between the predicted and the true direction of the car's own lane. A direction goes from the lane's middle at the lowest row
 * to its middle at the highest row. Both rows are those at which all four boundaries are seen, so that a bend counts alike on both sides.
 *
 * @returns degrees, 0 or more; null where a boundary is missing or fewer than two rows are shared
 */
export function directionError(predicted: SlottedLanes, truth: SlottedLanes, rows: readonly number[]): number | null {
  const boundaries = [predicted[EGO_LEFT], predicted[EGO_RIGHT], truth[EGO_LEFT], truth[EGO_RIGHT]];
  const shared = rows.map((_, i) => i).filter((i) => boundaries.every((lane) => lane !== null && isSeen(lane[i])));
  if (shared.length < 2) return null;
  const [top, bottom] = [shared[0], shared[shared.length - 1]];
  const angle = (slots: SlottedLanes) => {
    const middle = (i: number) => (slots[EGO_LEFT]![i] + slots[EGO_RIGHT]![i]) / 2;
    return Math.atan2(middle(top) - middle(bottom), rows[bottom] - rows[top]);
  };
  return (Math.abs(angle(predicted) - angle(truth)) * 180) / Math.PI;
}

/** The mean over frames. @param errors as `directionError` gives them */
export function meanDirectionError(errors: readonly (number | null)[]): DirectionError {
  const counted = errors.filter((error) => error !== null);
  const degrees = counted.length === 0 ? null : counted.reduce((sum, error) => sum + error, 0) / counted.length;
  return { degrees, frames: counted.length, skipped: errors.length - counted.length };
}
