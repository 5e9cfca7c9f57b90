import { isSeen, type Lane, type LaneLabels } from "./lane.ts";
import { fitLine, pointsOf } from "./line-fit.ts";

/** How far a point may be off, in pixels across the lane. */
const PIXELS = 20;
/** Share of rows from which on a lane is found. */
export const FOUND = 0.85;
/** The metric forgives lanes beyond these. */
const COUNTED = 4;
/** What an absent point counts as, on both sides: two absent points agree. */
const FAR_LEFT = -100;

/** TuSimple's figures, of one frame or their means over frames. */
export interface LaneScore {
  /** Mean share of rows of a true lane that the best listed lane meets. */
  accuracy: number;
  /** Share of listed lanes that meet no true one; below 0 where one list meets two true lanes, as the evaluator counts. */
  falsePositives: number;
  /** Share of true lanes that no listed lane meets. */
  falseNegatives: number;
}

/**
 * One frame by TuSimple's evaluator (`evaluate/lane.py` of tusimple-benchmark, `bench`), without its limit of time.
 *
 * It scores lists as they are: a list that is absent everywhere still agrees with absent rows (`seenLanes` drops such lists).
 *
 * @param predicted lists of x, each as long as the rows of `truth`
 */
export function scoreFrame(predicted: readonly Lane[], { rows, lanes }: LaneLabels): LaneScore {
  if (predicted.length > lanes.length + 2) return { accuracy: 0, falsePositives: 0, falseNegatives: 1 };
  const best = lanes.map((lane) => {
    const most = mostOff(lane, rows);
    return predicted.reduce((share, list) => Math.max(share, shareMet(list, lane, most)), 0);
  });
  const matched = best.filter((share) => share >= FOUND).length;
  let missed = lanes.length - matched;
  let sum = best.reduce((total, share) => total + share, 0);
  if (lanes.length > COUNTED) {
    sum -= Math.min(...best);
    if (missed > 0) missed--;
  }
  const counted = Math.max(Math.min(COUNTED, lanes.length), 1);
  return {
    accuracy: sum / counted,
    falsePositives: predicted.length > 0 ? (predicted.length - matched) / predicted.length : 0,
    falseNegatives: missed / counted,
  };
}

/** The threshold along a row: wider for slanted lanes, `20/cos(arctan k)` with k the slope of the true lane. */
function mostOff(lane: Lane, rows: readonly number[]): number {
  const points = pointsOf(lane, rows);
  const slope = points.length > 1 ? fitLine(points).slope : 0;
  return PIXELS * Math.sqrt(1 + slope * slope);
}

function shareMet(predicted: Lane, truth: Lane, most: number): number {
  let met = 0;
  for (let i = 0; i < truth.length; i++) {
    const x = isSeen(predicted[i]) ? predicted[i] : FAR_LEFT;
    if (Math.abs(x - (isSeen(truth[i]) ? truth[i] : FAR_LEFT)) < most) met++;
  }
  return met / truth.length;
}

/** The means over frames. @param scores at least one */
export function meanScore(scores: readonly LaneScore[]): LaneScore {
  const mean = (of: (score: LaneScore) => number) => scores.reduce((sum, one) => sum + of(one), 0) / scores.length;
  return {
    accuracy: mean((score) => score.accuracy),
    falsePositives: mean((score) => score.falsePositives),
    falseNegatives: mean((score) => score.falseNegatives),
  };
}
