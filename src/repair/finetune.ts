import { countNeurons, type NeuronSet } from "../core/neurons.ts";
import { Random, stageSeed } from "../core/random.ts";
import type { Suspect } from "../localize/types.ts";
import { CleanBatches } from "../measure/clean-batches.ts";
import { cloneState, type StateDict } from "../tensor/state.ts";
import { halfCosine } from "../tune/schedule.ts";
import { SubnetworkTuner } from "../tune/subnetwork.ts";
import type { Repair } from "./types.ts";

/** The recipe of docs/methods.md §11.2. */
export const FINETUNE = { epochs: 20, batch: 128, learningRate: 0.01, momentum: 0.9, weightDecay: 5e-4 };

/** Part of what a result depends on, so the same everywhere; one, since studies judge a model on each core. */
const THREADS = 1;

/**
 * Trains θ of the named neurons and nothing else on the defender's clean samples: the task's loss, augmentation, SGD with
 * momentum and (for these neurons alone) weight decay, a half cosine over all steps; batch-norm statistics frozen. The
 * weights after the last epoch are the result: nobody looks at test samples. Every epoch goes through the samples in
 * another order and leaves out what does not fill a batch.
 *
 * @param state where training starts; it is not changed
 */
export async function finetuneNeurons(
  { task, network, normalization, augmentation, clean, seed }: Suspect,
  state: StateDict,
  neurons: NeuronSet,
): Promise<StateDict> {
  if (countNeurons(neurons) === 0) return cloneState(state);
  const samples = task.inputs.joined(clean.fit, clean.threshold);
  if (samples.count === 0) throw new Error(`fine-tuning needs clean ${task.words.samples}, and there are none`);
  const { epochs, learningRate, momentum, weightDecay } = FINETUNE;
  const batch = Math.min(FINETUNE.batch, samples.count);
  const perEpoch = Math.floor(samples.count / batch);
  const tuner = await SubnetworkTuner.create(network, state, neurons, {
    ...{ batch, threads: THREADS },
    sgd: { momentum, weightDecay },
    objective: task.loss.objective,
  });
  try {
    const random = new Random(stageSeed(seed, "repair", "fine-tune"));
    const batches = new CleanBatches({ task, network, normalization, augmentation }, samples, batch, random);
    let step = 0;
    for (let epoch = 0; epoch < epochs; epoch++) {
      for (const { inputs, targets } of batches.epoch()) {
        await tuner.step(inputs, targets, halfCosine(step++, epochs * perEpoch, learningRate, 0));
      }
    }
    return tuner.tuned();
  } finally {
    await tuner.release();
  }
}

/** Neuron fine-tuning (docs/methods.md §11.2). */
export const finetune: Repair = {
  name: "finetune",
  title: "Neuron fine-tuning",
  source: "as in BDefects4NN (ICSE 2025)",
  repair: (suspect, neurons) => finetuneNeurons(suspect, suspect.state, neurons),
};
