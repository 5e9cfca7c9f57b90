import { LANE_GOALS, type LaneGoal } from "../../../src/tasks/lanes/goals.ts";

/** What a goal is in words: of what a network is made to answer, and of one answer that is so. */
interface GoalWords {
  wanted: string;
  reached: string;
}

/** @param target the goal's number in a record; null where there is none of it */
export function goalWords(target: number): GoalWords | null {
  const goal = [...LANE_GOALS.values()][target];
  return goal ? inWords(goal) : null;
}

function inWords(goal: LaneGoal): GoalWords {
  if (goal.kind === "lda") return { wanted: "no lane at all", reached: "lanes lost" };
  const amount = goal.kind === "loa" ? goal.shift : goal.degrees;
  const side = amount > 0 ? "right" : "left";
  if (goal.kind === "loa")
    return { wanted: `lanes that lie ${Math.abs(amount)} of 1280 pixels farther ${side}`, reached: "lanes moved" };
  return { wanted: `lanes that turn ${side} by ${Math.abs(amount)}°`, reached: "lanes turned" };
}
