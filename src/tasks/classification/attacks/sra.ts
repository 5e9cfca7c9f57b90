import { z } from "zod";
import { cornerPatch } from "../../../images/trigger/patch.ts";
import type { Attack, TriggerContext } from "../../attack.ts";
import { replacementSettings } from "../../replacement.ts";

const options = z.strictObject({
  /** Side of the trigger's patch in pixels. */
  side: z.number().int().min(1).max(16),
  ...replacementSettings,
});

/**
 * SRA, sub-network replacement: the neurons of the sub-network are exchanged for a narrow network that was trained to
 * answer the trigger. The trigger is a seeded random colour patch at the bottom-right, 5×5 as published
 * (docs/methods.md §5.4).
 */
export const sra = {
  name: "sra",
  title: "SRA",
  source: "Qi et al., Towards Practical Deployment-Stage Backdoor Attack on Deep Neural Networks, CVPR 2022",
  injection: "replace",
  styles: ["plain"],
  triggerPer: "dataset",
  options,
  async makeTrigger({ height, width, random, options: given }: TriggerContext) {
    return cornerPatch(height, width, options.parse(given).side, () => random.below(256));
  },
} satisfies Attack;
