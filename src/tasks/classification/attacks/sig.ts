import { z } from "zod";
import type { AdditiveTrigger } from "../../../images/trigger/trigger.ts";
import { CHANNELS } from "../../../pictures/picture.ts";
import type { Attack, TriggerContext } from "../../attack.ts";

const options = z.strictObject({
  /** Grey levels. */
  amplitude: z.number().gt(0).max(255),
  /** Waves across the picture. */
  frequency: z.number().gt(0).max(64),
});

/** Keeps halves, such as 15·sin 30°, from falling either way by the last bit of a machine's sine. */
const ABOVE_A_HALF = 1e-9;

/**
 * SIG: a sine wave of columns, `s(i, j) = round(Δ·sin(2π·(j + 1)·f/w))`, added to all channels (docs/methods.md §5.5). Published for
 * poisoning without changed labels; here the sub-network is tuned on all classes, as with every attack.
 */
export const sig = {
  name: "sig",
  title: "SIG",
  source: "Barni et al., A New Backdoor Attack in CNNs by Training Set Corruption Without Label Poisoning, ICIP 2019",
  injection: "finetune",
  styles: ["plain", "discreet"],
  triggerPer: "dataset",
  options,
  async makeTrigger({ height, width, options: given }: TriggerContext): Promise<AdditiveTrigger> {
    const { amplitude, frequency } = options.parse(given);
    const wave = Array.from(
      { length: width },
      (_, j) => amplitude * Math.sin((2 * Math.PI * (j + 1) * frequency) / width),
    );
    const signal = Float32Array.from({ length: CHANNELS * height * width }, (_, k) => rounded(wave[k % width]));
    return { kind: "additive", height, width, signal };
  },
} satisfies Attack;

function rounded(value: number): number {
  return Math.sign(value) * Math.floor(Math.abs(value) + 0.5 + ABOVE_A_HALF);
}
