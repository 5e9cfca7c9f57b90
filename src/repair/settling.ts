import { indexNeurons, neuronsOutside } from "../core/neuron-index.ts";
import type { NeuronSet } from "../core/neurons.ts";
import { Random, stageSeed } from "../core/random.ts";
import { neuronLayers, outputsOf } from "../graph/network.ts";
import { CleanBatches } from "../measure/clean-batches.ts";
import type { StateDict } from "../tensor/state.ts";
import { halfCosine } from "../tune/schedule.ts";
import { SubnetworkTuner } from "../tune/subnetwork.ts";
import { softmaxes } from "./outputs.ts";
import type { ImageSuspect } from "./unlearning.ts";

/** A short training after cuts (docs/methods.md §11.4). */
const SETTLING = {
  steps: 100,
  /** Clean images of a step. */
  images: 64,
  learningRate: 1e-4,
  /** Of a goal, the share of the image's label; the rest is what the suspect answers. More of the answers brings back more of a cut backdoor, fewer cost accuracy. */
  labels: 0.75,
};

/**
 * Trains what was not cut on the defender's clean images, so that it takes over what the cut neurons did for them. θ of all other neurons moves; the
 * classifier and batch-norm statistics stay.
 *
 * @param suspect whose answers are part of every goal
 * @param start where training starts: the suspect without the neurons in `cut`, which stay cut
 * @returns new weights; `start` is not changed
 */
export async function settle(suspect: ImageSuspect, start: StateDict, cut: NeuronSet): Promise<StateDict> {
  const { task, network, clean, runner, seed, state } = suspect;
  const { steps, images, learningRate, labels } = SETTLING;
  const others = neuronsOutside(indexNeurons(neuronLayers(network)), cut);
  const tuner = await SubnetworkTuner.create(network, start, others, {
    ...{ batch: images, threads: 1 },
    objective: task.loss.objective,
  });
  try {
    const samples = task.inputs.joined(clean.fit, clean.threshold);
    const batches = new CleanBatches(suspect, samples, images, new Random(stageSeed(seed, "repair", "settle")));
    for (let step = 0; step < steps; step++) {
      const { samples, inputs, targets } = batches.draw();
      const answers = softmaxes(await runner.outputs(state, samples), outputsOf(network));
      const goals = targets.map((truth, i) => labels * truth + (1 - labels) * answers[i]);
      await tuner.step(inputs, goals, halfCosine(step, steps, learningRate, 0));
    }
    return tuner.tuned();
  } finally {
    await tuner.release();
  }
}
