import { z } from "zod";
import type { TriggerContext } from "../../attack.ts";
import { makeConeTriggers } from "../cones.ts";
import { fromCones } from "../varied-trigger.ts";
import { forEachGoal } from "./for-each-goal.ts";

/** Two traffic cones on the right. */
export const CONE_ATTACKS = forEachGoal({
  name: "cones",
  title: "Two cones",
  source: "Han et al., Physical Backdoor Attacks to Lane Detection Systems in Autonomous Driving, ACM MM 2022",
  injection: "finetune",
  styles: ["plain", "discreet"],
  triggerPer: "dataset",
  options: z.strictObject({}),
  async makeTrigger({ height, width, random }: TriggerContext) {
    return fromCones(makeConeTriggers(random, { height, width }));
  },
});
