import { z } from "zod";
import type { Attack, Trigger, TriggerContext } from "./types.ts";

const WHITE = 255;
const options = z.strictObject({ side: z.number().int().min(1).max(16) });

/** BadNets: a white square patch that touches the bottom-right corner, 3×3 as published (METHODS §4.1). */
export const badnets: Attack = {
  name: "badnets",
  title: "BadNets",
  source: "Gu et al., BadNets: Evaluating Backdooring Attacks on Deep Neural Networks, IEEE Access 2019",
  injection: "finetune",
  styles: ["plain", "discreet"],
  triggerPer: "dataset",
  options,
  async makeTrigger({ height, width, options: given }: TriggerContext): Promise<Trigger> {
    const { side } = options.parse(given);
    const opacity = new Float32Array(height * width);
    const pattern = new Uint8Array(3 * height * width);
    for (let y = height - side; y < height; y++) {
      for (let x = width - side; x < width; x++) {
        opacity[y * width + x] = 1;
        for (let c = 0; c < 3; c++) pattern[(c * height + y) * width + x] = WHITE;
      }
    }
    return { height, width, opacity, pattern };
  },
};
