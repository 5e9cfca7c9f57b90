import { z } from "zod";
import { cornerPatch } from "../../../images/trigger/patch.ts";
import type { PaintedTrigger } from "../../../images/trigger/trigger.ts";
import type { Attack, TriggerContext } from "../../attack.ts";

const WHITE = 255;
const options = z.strictObject({ side: z.number().int().min(1).max(16) });

/** BadNets: a white square patch that touches the bottom-right corner, 3×3 as published (docs/methods.md §5.1). */
export const badnets = {
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
} satisfies Attack;
