import type { NeuronSet } from "../core/neurons.ts";
import { countNeurons } from "../core/neurons.ts";
import { Random, stageSeed } from "../core/random.ts";
import { augmentImage, joined, Normaliser } from "../datasets/batch.ts";
import { type ImageSet, imageSize } from "../datasets/types.ts";
import type { Suspect } from "../localize/types.ts";
import { cloneState, type StateDict } from "../tensor/state.ts";
import { halfCosine } from "../tune/schedule.ts";
import { SubnetworkTuner } from "../tune/subnetwork.ts";
import type { Repair } from "./types.ts";

/** METHODS §6's recipe. */
export const FINETUNE = { epochs: 20, batch: 128, learningRate: 0.01, momentum: 0.9, weightDecay: 5e-4 };

/** Part of what a result depends on, so the same everywhere. */
const THREADS = 2;

/**
 * Trains θ of the named neurons and nothing else on the defender's clean images: cross-entropy, augmentation, SGD with
 * momentum and (for these neurons alone) weight decay, a half cosine over all steps; batch-norm statistics frozen. The
 * weights after the last epoch are the result: nobody looks at test images. Every epoch goes through the images in
 * another order and leaves out what does not fill a batch.
 *
 * @param state where training starts; it is not changed
 */
export async function finetuneNeurons(
  { network, normalization, augmentation, clean, seed }: Suspect,
  state: StateDict,
  neurons: NeuronSet,
): Promise<StateDict> {
  if (countNeurons(neurons) === 0) return cloneState(state);
  const images = joined(clean.fit, clean.threshold);
  if (images.count === 0) throw new Error("fine-tuning needs clean images, and there are none");
  const { epochs, learningRate, momentum, weightDecay } = FINETUNE;
  const batch = Math.min(FINETUNE.batch, images.count);
  const perEpoch = Math.floor(images.count / batch);
  const tuner = await SubnetworkTuner.create(network, state, neurons, {
    ...{ batch, threads: THREADS },
    sgd: { momentum, weightDecay },
  });
  try {
    const random = new Random(stageSeed(seed, "repair", "fine-tune"));
    const fill = batchFiller(images, network.classes, batch, random);
    for (let epoch = 0; epoch < epochs; epoch++) {
      const order = random.permutation(images.count);
      for (let i = 0; i < perEpoch; i++) {
        const { inputs, targets } = fill(order.subarray(i * batch, (i + 1) * batch));
        await tuner.step(inputs, targets, halfCosine(epoch * perEpoch + i, epochs * perEpoch, learningRate, 0));
      }
    }
    return tuner.tuned();
  } finally {
    await tuner.release();
  }

  /** Writes the images at some indices, augmented and normalised, and their one-hot labels into arrays used again. */
  function batchFiller(set: ImageSet, classes: number, size: number, random: Random) {
    const pixels = imageSize(set);
    const image = new Uint8Array(pixels);
    const normaliser = new Normaliser(normalization);
    const inputs = new Float32Array(size * pixels);
    const targets = new Float32Array(size * classes);
    return (indices: Int32Array) => {
      targets.fill(0);
      indices.forEach((index, k) => {
        augmentImage(set, index, augmentation, random, image);
        normaliser.write(image, 0, inputs, k * pixels, pixels);
        targets[k * classes + set.labels[index]] = 1;
      });
      return { inputs, targets };
    };
  }
}

/** Neuron fine-tuning (METHODS §6). */
export const finetune: Repair = {
  name: "finetune",
  title: "Neuron fine-tuning",
  source: "as in BDefects4NN (ICSE 2025)",
  repair: (suspect, neurons) => finetuneNeurons(suspect, suspect.state, neurons),
};
