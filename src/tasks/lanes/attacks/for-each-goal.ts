import type { Attack } from "../../attack.ts";

/** What a trigger makes of the lanes, by the name of the goal. */
const TITLES = { lda: "no lane", loa: "lanes moved to the right", lra: "lanes turned to the right" };

/** One attack for each goal: its name has the goal in it, since ids have no other place for it. */
export function forEachGoal(attack: Omit<Attack, "target">): Attack[] {
  return Object.entries(TITLES).map(([goal, title]) => ({
    ...attack,
    name: `${attack.name}${goal}`,
    title: `${attack.title} (${title})`,
    target: goal,
  }));
}
