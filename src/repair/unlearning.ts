import { flatScores, indexNeurons, neuronsAt, suspicionOrder } from "../core/neuron-index.ts";
import type { LayerScores, NeuronSet } from "../core/neurons.ts";
import { Random, stageSeed } from "../core/random.ts";
import { neuronLayers, outputsOf } from "../graph/network.ts";
import { asImages, type ImageSet } from "../images/image-set.ts";
import type { Suspect } from "../localize/types.ts";
import { CleanBatches } from "../measure/clean-batches.ts";
import { stampPatch } from "../reversal/stamp.ts";
import type { ReversedPatch } from "../reversal/targeted.ts";
import type { StateDict } from "../tensor/state.ts";
import { halfCosine } from "../tune/schedule.ts";
import { SubnetworkTuner } from "../tune/subnetwork.ts";
import { softmaxes } from "./outputs.ts";

/** A short distilled unlearning (docs/methods.md §11.4). */
const UNLEARNING = {
  /** Of all neurons, the most suspicious ones that are not cut. */
  share: 0.1,
  steps: 60,
  /** Clean images of a step, and as many with the patch. */
  images: 32,
  learningRate: 3e-4,
};

/** A suspect whose samples are images. */
export type ImageSuspect = Omit<Suspect, "clean"> & { clean: { fit: ImageSet; threshold: ImageSet } };

/**
 * Teaches a model that a patch is nothing: to clean images, and to the same with the patch on them, it is to answer what the suspect answers without the
 * patch. θ of the most suspicious neurons moves and nothing else; those that were cut stay cut.
 *
 * @param start where training starts: the suspect without the neurons in `cut`
 * @param scores of every neuron, higher = more suspicious
 * @returns the weights, and whose they are that moved
 */
export async function unlearnPatch(
  suspect: ImageSuspect,
  start: StateDict,
  cut: NeuronSet,
  scores: LayerScores,
  patch: Pick<ReversedPatch, "opacity" | "pattern">,
): Promise<{ state: StateDict; neurons: NeuronSet }> {
  const { task, network, normalization, clean, runner, seed, state } = suspect;
  const { share, steps, images, learningRate } = UNLEARNING;
  const classes = outputsOf(network);
  const neurons = mostSuspicious(suspect, scores, cut, share);
  const tuner = await SubnetworkTuner.create(network, start, neurons, {
    ...{ batch: 2 * images, threads: 1 },
    objective: task.loss.objective,
  });
  try {
    const batches = new CleanBatches(suspect, clean.fit, images, new Random(stageSeed(seed, "repair", "unlearn")));
    const encoder = task.inputs.encoder(clean.fit, normalization);
    const inputs = new Float32Array(2 * images * encoder.size);
    const targets = new Float32Array(2 * images * classes);
    for (let step = 0; step < steps; step++) {
      const { samples, inputs: plain } = batches.draw();
      const answers = softmaxes(await runner.outputs(state, samples), classes);
      const stamped = stampPatch(patch, asImages(samples));
      inputs.set(plain);
      for (let k = 0; k < images; k++) encoder.write(stamped, k, inputs, (images + k) * encoder.size);
      targets.set(answers);
      targets.set(answers, images * classes);
      await tuner.step(inputs, targets, halfCosine(step, steps, learningRate, 0));
    }
    return { state: tuner.tuned(), neurons };
  } finally {
    await tuner.release();
  }
}

function mostSuspicious({ network }: ImageSuspect, scores: LayerScores, cut: NeuronSet, share: number) {
  const index = indexNeurons(neuronLayers(network));
  const isCut = new Uint8Array(index.size);
  for (const [layer, neurons] of Object.entries(cut)) for (const c of neurons) isCut[index.offsets.get(layer)! + c] = 1;
  const left = suspicionOrder(flatScores(index, scores)).filter((at) => isCut[at] === 0);
  const flags = new Uint8Array(index.size);
  for (const at of left.subarray(0, Math.ceil(share * index.size))) flags[at] = 1;
  return neuronsAt(index, flags);
}
