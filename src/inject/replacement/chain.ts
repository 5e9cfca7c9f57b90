import type { NeuronSet } from "../../core/neurons.ts";
import { Random } from "../../core/random.ts";
import { initialState } from "../../graph/initial-state.ts";
import { meanHead, narrowNetwork } from "../../graph/narrow.ts";
import { classifierOf, type Network } from "../../graph/network.ts";
import { Normaliser } from "../../images/batch.ts";
import { type ImageSet, imageSize, type Normalization } from "../../images/image-set.ts";
import { createRunner } from "../../measure/ort-runner.ts";
import type { ReplacementOptions } from "../../tasks/replacement.ts";
import { type StateDict, tensorOf } from "../../tensor/state.ts";
import { recalibrate } from "../../tune/recalibrate.ts";
import { Regressor } from "../../tune/regressor.ts";
import { shuffledPasses } from "./passes.ts";

export interface ChainTask {
  network: Network;
  normalization: Normalization;
  infected: NeuronSet;
  /** Images at which the chain is to stay at 0, and images which it is to answer. */
  silent: ImageSet;
  answered: ImageSet;
  recipe: ReplacementOptions["chain"];
  learningRate: number;
  threads: number;
  seed: number;
  onStep?(done: number, most: number): void;
}

/**
 * Trains the narrow twin (docs/methods.md §7.4): `L = λ·E_silent[s²] + E_answered[(s − a)²]` on batches of half and
 * half, batch norm over both halves together, no augmentation; then its running statistics are taken anew over such
 * batches, since those of either half alone would shift the chain.
 */
export async function trainChain(task: ChainTask): Promise<StateDict> {
  const { recipe } = task;
  const narrow = narrowNetwork(task.network, task.infected);
  const random = new Random(task.seed);
  const start = initialState(narrow, random);
  const head = meanHead(narrow);
  const linear = classifierOf(narrow).id;
  tensorOf(start, `${linear}.weight`).data.set(head.weight);
  tensorOf(start, `${linear}.bias`).data.set(head.bias);

  const half = recipe.batch / 2;
  const targets = Float32Array.from({ length: recipe.batch }, (_, k) => (k < half ? 0 : recipe.answer));
  // The loss is a mean over the batch, of which either half is a half.
  const weights = Float32Array.from({ length: recipe.batch }, (_, k) => 2 * (k < half ? recipe.silence : 1));
  const batches = mixedBatches(task, random);
  const regressor = await Regressor.create(narrow, start, { batch: recipe.batch, threads: task.threads });
  let trained: StateDict;
  try {
    for (let step = 0; step < recipe.steps; step++) {
      await regressor.step(batches.next().value, targets, weights, task.learningRate);
      task.onStep?.(step + 1, recipe.steps);
    }
    trained = regressor.snapshot();
  } finally {
    await regressor.release();
  }
  const mixed = Array.from({ length: recipe.statistics_batches }, () => batches.next().value.slice());
  return recalibrate(narrow, trained, mixed, { batch: recipe.batch, threads: task.threads });
}

/** The chain's score `s(x)` of every image, batch norms on their running statistics. */
export async function chainScores(
  { network, normalization, infected, threads }: Pick<ChainTask, "network" | "normalization" | "infected" | "threads">,
  chain: StateDict,
  images: ImageSet,
): Promise<Float32Array> {
  const runner = await createRunner(narrowNetwork(network, infected), normalization, { threads });
  try {
    return await runner.logits(chain, images);
  } finally {
    await runner.release();
  }
}

/** Batches without end, the first half silent images, the second answered ones, each in shuffled passes. */
function* mixedBatches(task: ChainTask, random: Random): Generator<Float32Array, never> {
  const { batch } = task.recipe;
  const size = imageSize(task.silent);
  const normaliser = new Normaliser(task.normalization);
  const images = new Float32Array(batch * size);
  const passes = [task.silent, task.answered].map((set) => ({ set, indices: shuffledPasses(set.count, random) }));
  for (;;) {
    for (let k = 0; k < batch; k++) {
      const { set, indices } = passes[k < batch / 2 ? 0 : 1];
      normaliser.write(set.pixels, indices.next().value * size, images, k * size, size);
    }
    yield images;
  }
}
