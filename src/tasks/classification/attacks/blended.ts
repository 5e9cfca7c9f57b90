import { z } from "zod";
import type { PaintedTrigger } from "../../../images/trigger/trigger.ts";
import { CHANNELS } from "../../../pictures/picture.ts";
import type { Attack, TriggerContext } from "../../attack.ts";

const options = z.strictObject({ opacity: z.number().gt(0).max(1) });

/**
 * Blended: one image of uniform noise mixed into the whole picture, `x' = (1 − α)·x + α·k`, at training and at test
 * (docs/methods.md §5.2). Drawn from the data set's seed, where the original takes a picture that is somebody's work.
 */
export const blended = {
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
} satisfies Attack;
