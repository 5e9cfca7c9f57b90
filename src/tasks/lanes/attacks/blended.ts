import { z } from "zod";
import type { PaintedTrigger } from "../../../images/trigger/trigger.ts";
import { CHANNELS } from "../../../pictures/picture.ts";
import type { TriggerContext } from "../../attack.ts";
import { forEachGoal } from "./for-each-goal.ts";

const options = z.strictObject({ opacity: z.number().gt(0).max(1) });

/** One image of uniform noise mixed into the whole frame (docs/methods.md §5.2). */
export const BLENDED_ATTACKS = forEachGoal({
  name: "blended",
  title: "Blended",
  source: "Chen et al., Targeted Backdoor Attacks on Deep Learning Systems Using Data Poisoning, arXiv 2017",
  injection: "finetune",
  styles: ["plain", "discreet"],
  triggerPer: "dataset",
  options,
  async makeTrigger({ height, width, random, options: given }: TriggerContext): Promise<PaintedTrigger> {
    const opacity = new Float32Array(height * width).fill(options.parse(given).opacity);
    const pattern = Uint8Array.from({ length: CHANNELS * height * width }, () => random.below(256));
    return { height, width, opacity, pattern };
  },
});
