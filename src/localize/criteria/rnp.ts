import { type Budget, DEFAULT_BUDGET } from "../../core/budget.ts";
import { Random, stageSeed } from "../../core/random.ts";
import { type Network, neuronLayers } from "../../graph/network.ts";
import { climbing } from "../../graph/objectives/climbing.ts";
import { tableOf } from "../../graph/ops/embedding.ts";
import { CleanBatches, evenBatch } from "../../measure/clean-batches.ts";
import { rowOf } from "../../measure/verdicts.ts";
import { firstOf } from "../../tasks/input-codec.ts";
import { cloneState, type StateDict } from "../../tensor/state.ts";
import { Trainer } from "../../tune/trainer.ts";
import { byMasks, Masks } from "../masks.ts";
import { shortImages } from "../short-budget.ts";
import type { CleanCriterion, Suspect } from "../types.ts";

/**
 * Raises the clean loss (docs/methods.md §10.8; momentum, decay and the most epochs are the released code's,
 * bboylyg/RNP).
 */
export const UNLEARN = {
  learningRate: 0.01,
  momentum: 0.9,
  weightDecay: 5e-4,
  /** Clean accuracy, on the epoch's own batches, at which it ends. */
  accuracy: 0.2,
  epochs: 20,
};

/** Learns the masks; the released code weighs the loss with 0.2. */
export const RECOVER = { learningRate: 0.2, momentum: 0.9, lossWeight: 0.2, epochs: 20 };

const BATCH = 128;

/** Masks at most this large name their neurons. */
const THRESHOLD = 0.4;

/** The most epochs, images of the fit half, and images in a batch. */
interface Effort {
  unlearn: number;
  recover: number;
  images: number;
  batch: number;
}

const EFFORT: Record<Budget, Effort> = {
  demo: { unlearn: 6, recover: 4, images: 128, batch: BATCH },
  short: { unlearn: UNLEARN.epochs, recover: RECOVER.epochs, images: 500, batch: BATCH },
  full: { unlearn: UNLEARN.epochs, recover: RECOVER.epochs, images: Number.POSITIVE_INFINITY, batch: BATCH },
};

/** However large the network is. */
const FEWEST_IMAGES = 64;

/** The short budget has fewer images for large networks, in as many batches. */
export function effortFor(network: Network, budget: Budget): Effort {
  const effort = EFFORT[budget];
  if (budget !== "short") return effort;
  const fitting = Math.floor(shortImages(network) / (effort.unlearn + effort.recover));
  const images = Math.min(effort.images, Math.max(FEWEST_IMAGES, fitting));
  return { ...effort, images, batch: Math.ceil((effort.batch * images) / effort.images) };
}

/** Part of what a result depends on, so the same everywhere; one, since studies judge a model on each core. */
const THREADS = 1;

function batchesOf(suspect: Suspect, what: string): CleanBatches {
  // The halves are in random order.
  const { images, batch } = effortFor(suspect.network, suspect.budget ?? DEFAULT_BUDGET);
  const fit = firstOf(suspect.task.inputs, suspect.clean.fit, images);
  const random = new Random(stageSeed(suspect.seed, "localize", "rnp", what));
  return new CleanBatches(suspect, fit, evenBatch(fit.count, batch), random);
}

/** Gradient ascent on all parameters until clean accuracy is gone. @returns the weights, and the accuracy reached */
export async function unlearn(suspect: Suspect, epochs: number): Promise<{ state: StateDict; accuracy: number }> {
  const { task, network, state } = suspect;
  const batches = batchesOf(suspect, "unlearn");
  // Of a network that reads words only what lies behind their vectors is unlearned: a head may share them.
  const vectors = network.nodes.flatMap((node) => (node.op === "embedding" ? [tableOf(node)] : []));
  const trainer = await Trainer.create(network, cloneState(state), {
    ...{ momentum: UNLEARN.momentum, weightDecay: UNLEARN.weightDecay, nesterov: false },
    ...{ objective: climbing(task.loss.objective), batch: batches.batch, threads: THREADS },
    ...(vectors.length > 0 && { trains: (key: string) => !vectors.includes(key) }),
  });
  try {
    let accuracy = 1;
    for (let epoch = 0; epoch < epochs && accuracy > UNLEARN.accuracy; epoch++) {
      let [sum, count] = [0, 0];
      for (const { inputs, targets, samples } of batches.epoch()) {
        const { outputs } = await trainer.step(inputs, targets, UNLEARN.learningRate);
        for (let i = 0; i < samples.count; i++) sum += task.quality(rowOf(outputs, samples.count, i), samples, i);
        count += samples.count;
      }
      accuracy = sum / count;
    }
    return { state: trainer.snapshot(), accuracy };
  } finally {
    await trainer.release();
  }
}

/** Learns which filters of the unlearned network clean accuracy can be had back without, flat in the network's order. */
export async function recover(suspect: Suspect, unlearned: StateDict, epochs: number): Promise<Float32Array> {
  const { network, runner } = suspect;
  const batches = batchesOf(suspect, "recover");
  const size = neuronLayers(network).reduce((sum, { width }) => sum + width, 0);
  const masks = new Masks(size, RECOVER.momentum);
  const still = new Float32Array(size).fill(1);
  const gains = runner.gains(unlearned, "batch");
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const batch of batches.epoch()) {
      const { gain } = await gains.at(batch, masks.values, still);
      masks.step(
        gain.map((g) => RECOVER.lossWeight * g),
        RECOVER.learningRate,
      );
    }
  }
  return masks.values;
}

/**
 * Reconstructive neuron pruning (docs/methods.md §10.8): unlearning clean images leaves the backdoor's neurons exposed;
 * masks that win clean accuracy back on the unlearned weights close them.
 */
export const rnp: CleanCriterion = {
  name: "rnp",
  title: "Reconstructive neuron pruning",
  kind: "published",
  source: "Li et al.: Reconstructive Neuron Pruning for Backdoor Defense (ICML 2023)",
  needs: ["norm-or-feed-forward"],
  access: "clean",
  needsData: true,
  async localize(suspect) {
    const epochs = effortFor(suspect.network, suspect.budget ?? DEFAULT_BUDGET);
    const { state, accuracy } = await unlearn(suspect, epochs.unlearn);
    const found = byMasks(suspect.network, await recover(suspect, state, epochs.recover), THRESHOLD);
    if (accuracy <= UNLEARN.accuracy) return found;
    return { ...found, note: `unlearning left clean accuracy at ${accuracy.toFixed(2)}` };
  },
};
