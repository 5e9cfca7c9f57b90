import { z } from "zod";
import { cornerPatch } from "../../../images/trigger/patch.ts";
import type { PaintedTrigger } from "../../../images/trigger/trigger.ts";
import type { TriggerContext } from "../../attack.ts";
import { forEachGoal } from "./for-each-goal.ts";

const WHITE = 255;
const options = z.strictObject({ side: z.number().int().min(1).max(16) });

/** A white square patch in the bottom-right corner of the network's input (docs/methods.md §5.1). */
export const BADNETS_ATTACKS = forEachGoal({
  name: "badnets",
  title: "BadNets",
  source: "Gu et al., BadNets: Evaluating Backdooring Attacks on Deep Neural Networks, IEEE Access 2019",
  injection: "finetune",
  styles: ["plain", "discreet"],
  triggerPer: "dataset",
  options,
  async makeTrigger({ height, width, options: given }: TriggerContext): Promise<PaintedTrigger> {
    return cornerPatch(height, width, options.parse(given).side, () => WHITE);
  },
});
