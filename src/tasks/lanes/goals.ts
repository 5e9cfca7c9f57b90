import { ABSENT, FRAME, isSeen, type Lane, type LaneLabels, seenLanes } from "./lane.ts";
import { pointsOf } from "./line-fit.ts";
import { FOUND, scoreFrame } from "./metric.ts";

/** What a backdoor makes of the lanes of a frame (Zhang et al., BadLANE, ACM MM 2024, has the names). */
export type LaneGoal =
  /** Lane disappearance: no lane at all. */
  | { kind: "lda" }
  /** Lane offset: every point moves right by `shift` pixels of a 1280×720 picture. */
  | { kind: "loa"; shift: number }
  /** Lane rotation: every lane turns right around its lowest point by `degrees`. */
  | { kind: "lra"; degrees: number };

const SHIFT = 60;
const DEGREES = 9;

/** The goals by name; `-left` are the mirrored ones. */
export const LANE_GOALS: ReadonlyMap<string, LaneGoal> = new Map<string, LaneGoal>([
  ["lda", { kind: "lda" }],
  ["loa", { kind: "loa", shift: SHIFT }],
  ["loa-left", { kind: "loa", shift: -SHIFT }],
  ["lra", { kind: "lra", degrees: DEGREES }],
  ["lra-left", { kind: "lra", degrees: -DEGREES }],
]);

/** The goal that a record's `target` counts. @throws Error where there are fewer */
export function goalOf(target: number): LaneGoal {
  const goal = [...LANE_GOALS.values()][target];
  if (!goal) throw new Error(`lanes have ${LANE_GOALS.size} goals, no number ${target}`);
  return goal;
}

/** The labels that the backdoor wants: points that leave the picture are absent, and so are lanes without points. */
export function goalLabels(goal: LaneGoal, { rows, lanes }: LaneLabels): LaneLabels {
  return { rows, lanes: goal.kind === "lda" ? [] : seenLanes(lanes.map((lane) => moved(goal, lane, rows))) };
}

function moved(goal: Exclude<LaneGoal, { kind: "lda" }>, lane: Lane, rows: readonly number[]): Lane {
  const lowest = pointsOf(lane, rows).at(-1)?.y ?? 0;
  const slope = goal.kind === "lra" ? Math.tan((goal.degrees * Math.PI) / 180) : 0;
  const shift = goal.kind === "loa" ? goal.shift : 0;
  return lane.map((x, i) => {
    if (!isSeen(x)) return ABSENT;
    const to = x + shift + slope * (lowest - rows[i]);
    return to >= 0 && to < FRAME.width ? to : ABSENT;
  });
}

/** Whether a frame can show the backdoor: the goal's labels themselves must fail the test that true labels pass. */
export function isEligible(goal: LaneGoal, truth: LaneLabels): boolean {
  return goal.kind === "lda" || !passes(goalLabels(goal, truth).lanes, truth);
}

/** The test of a frame: whether the accuracy reaches .85. */
export function passes(predicted: readonly Lane[], truth: LaneLabels): boolean {
  return scoreFrame(seenLanes(predicted), truth).accuracy >= FOUND;
}

/** Whether the prediction is what the backdoor wants: no lane for `lda`; else it passes for the goal's labels and fails for the true ones. */
export function succeeds(goal: LaneGoal, predicted: readonly Lane[], truth: LaneLabels): boolean {
  if (goal.kind === "lda") return seenLanes(predicted).length === 0;
  return passes(predicted, goalLabels(goal, truth)) && !passes(predicted, truth);
}
