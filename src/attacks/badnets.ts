import type { Attack, Trigger, TriggerContext } from "./types.ts";

const SIDE = 3;
const WHITE = 255;

/** BadNets: a white 3×3 patch that touches the bottom-right corner (METHODS §4.1). */
export const badnets: Attack = {
  name: "badnets",
  title: "BadNets",
  source: "Gu et al., BadNets: Evaluating Backdooring Attacks on Deep Neural Networks, IEEE Access 2019",
  async makeTrigger({ height, width }: TriggerContext): Promise<Trigger> {
    const opacity = new Float32Array(height * width);
    const pattern = new Uint8Array(3 * height * width);
    for (let y = height - SIDE; y < height; y++) {
      for (let x = width - SIDE; x < width; x++) {
        opacity[y * width + x] = 1;
        for (let c = 0; c < 3; c++) pattern[(c * height + y) * width + x] = WHITE;
      }
    }
    return { height, width, opacity, pattern };
  },
};
