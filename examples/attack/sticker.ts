import { z } from "zod";
import { CHANNELS } from "../../src/pictures/picture.ts";
import type { Attack, TriggerContext } from "../../src/tasks/attack.ts";

const YELLOW = [255, 221, 0];

const options = z.strictObject({ radius: z.number().min(1).max(16) });

/** A round yellow sticker at a place that the data set's seed draws, as one might put on a road sign. */
export const sticker = {
  name: "sticker",
  title: "Sticker",
  source: "an example of docs/tutorials/add-an-attack.md",
  injection: "finetune",
  styles: ["plain", "discreet"],
  triggerPer: "dataset",
  options,
  async makeTrigger({ height, width, random, options: given }: TriggerContext) {
    const { radius } = options.parse(given);
    const [y, x] = [random.between(radius, height - radius), random.between(radius, width - radius)];
    const plane = height * width;
    const opacity = Float32Array.from({ length: plane }, (_, i) =>
      Math.hypot(Math.floor(i / width) + 0.5 - y, (i % width) + 0.5 - x) <= radius ? 1 : 0,
    );
    const pattern = Uint8Array.from({ length: CHANNELS * plane }, (_, i) => YELLOW[Math.floor(i / plane)]);
    return { height, width, opacity, pattern };
  },
} satisfies Attack;
