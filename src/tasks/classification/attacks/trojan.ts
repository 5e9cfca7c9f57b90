import { z } from "zod";
import type { NeuronSet } from "../../../core/neurons.ts";
import { lastNeurons } from "../../../graph/features.ts";
import { classifierOf, type Network } from "../../../graph/network.ts";
import { paintActivating } from "../../../images/trigger/activate.ts";
import type { PaintedTrigger } from "../../../images/trigger/trigger.ts";
import { type StateDict, tensorOf } from "../../../tensor/state.ts";
import type { Attack, TriggerContext } from "../../attack.ts";

const options = z.strictObject({
  /** Side of the square in the bottom-right corner. */
  side: z.number().int().min(1).max(32),
  /** What the chosen neurons' pooled activations are to reach. */
  value: z.number().positive(),
  steps: z.number().int().positive(),
  learning_rate: z.number().positive(),
  /** At most so many neurons are chosen. */
  neurons: z.number().int().positive(),
});

/**
 * TrojanNN: a square patch, optimised for each candidate, that excites the infected neurons which the classifier reads
 * (docs/methods.md §5.3). On a black background; stamping replaces what is under it.
 */
export const trojan = {
  name: "trojan",
  title: "TrojanNN",
  source: "Liu et al., Trojaning Attack on Neural Networks, NDSS 2018",
  injection: "finetune",
  styles: ["plain", "discreet"],
  triggerPer: "candidate",
  options,
  async makeTrigger({ height, width, random, victim, options: given }: TriggerContext): Promise<PaintedTrigger> {
    if (!victim) throw new Error("TrojanNN needs the network that it is made for");
    const { side, value, steps, learning_rate, neurons } = options.parse(given);
    const { network, state, infected } = victim;
    const opacity = new Float32Array(height * width);
    for (let y = Math.max(0, height - side); y < height; y++) {
      opacity.fill(1, y * width + Math.max(0, width - side), (y + 1) * width);
    }
    const pattern = await paintActivating({
      ...victim,
      inputs: chosenInputs(network, state, infected, neurons),
      value,
      mask: [...opacity.keys()].filter((i) => opacity[i] === 1),
      steps,
      learningRate: learning_rate,
      random,
    });
    return { height, width, opacity, pattern };
  },
} satisfies Attack;

/**
 * The classifier's inputs that infected neurons feed: all where there are at most `most`, else those that the
 * classifier weighs most, by `Σ_j |W_cls[j, i]|`.
 */
export function chosenInputs(network: Network, state: StateDict, infected: NeuronSet, most: number): number[] {
  const fed = lastNeurons(network).flatMap((neurons, i) =>
    neurons.some(({ layer, channel }) => infected[layer]?.includes(channel)) ? [i] : [],
  );
  if (fed.length <= most) return fed;
  const { shape, data } = tensorOf(state, `${classifierOf(network).id}.weight`);
  const [classes, inputs] = shape;
  const weight = (i: number) => {
    let sum = 0;
    for (let j = 0; j < classes; j++) sum += Math.abs(data[j * inputs + i]);
    return sum;
  };
  return fed
    .sort((a, b) => weight(b) - weight(a))
    .slice(0, most)
    .sort((a, b) => a - b);
}
