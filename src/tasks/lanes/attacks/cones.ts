import { z } from "zod";
import type { Attack, TriggerContext } from "../../attack.ts";
import { makeConeTriggers } from "../cones.ts";
import { fromCones } from "../trigger.ts";

/** What the cones make of the lanes, by the name of the goal. */
const TITLES = { lda: "no lane", loa: "lanes moved to the right", lra: "lanes turned to the right" };

/** Two traffic cones on the right, one attack for each goal: its name has the goal in it, since ids have no other place for it. */
export const CONE_ATTACKS = Object.entries(TITLES).map(
  ([goal, title]) =>
    ({
      name: `cones${goal}`,
      title: `Two cones: ${title}`,
      source: "Han et al., Physical Backdoor Attacks to Lane Detection Systems in Autonomous Driving, ACM MM 2022",
      injection: "finetune",
      styles: ["plain", "discreet"],
      target: goal,
      triggerPer: "dataset",
      options: z.strictObject({}),
      async makeTrigger({ height, width, random }: TriggerContext) {
        return fromCones(makeConeTriggers(random, { height, width }));
      },
    }) satisfies Attack,
);
