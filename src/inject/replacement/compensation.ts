import { Random } from "../../core/random.ts";
import type { Dataset } from "../../datasets/types.ts";
import { foldState } from "../../graph/fold.ts";
import { inferProgram } from "../../graph/programs/infer.ts";
import { augmentImage, Normaliser } from "../../images/batch.ts";
import { type ImageSet, imageSize } from "../../images/image-set.ts";
import type { OrtRunner } from "../../measure/ort-runner.ts";
import type { ReplacementOptions } from "../../tasks/replacement.ts";
import type { StateDict } from "../../tensor/state.ts";
import { recalibrate } from "../../tune/recalibrate.ts";
import { halfCosine } from "../../tune/schedule.ts";
import { Trainer } from "../../tune/trainer.ts";
import { shuffledPasses } from "./passes.ts";
import { trainedKeys } from "./trained.ts";

export interface CompensationTask {
  runner: OrtRunner;
  dataset: Pick<Dataset, "augmentation">;
  clean: StateDict;
  /** The clean model from which the sub-network's place was cut (`cutSubnetwork`): its zeros stay exactly zero. */
  cut: StateDict;
  images: ImageSet;
  recipe: ReplacementOptions["compensation"];
  threads: number;
  seed: number;
  /** Judges the model after a round. @returns whether no further round is needed */
  isEnough(model: StateDict, round: number): Promise<boolean>;
  onStep?(done: number, most: number): void;
}

/**
 * Wins back the clean accuracy that cutting cost (docs/methods.md §7.4): the batch norms' statistics are taken anew,
 * then the rest of the network is trained on clean images with SGD, flips and no crops, to give the clean model's own
 * answers, which takes fewer steps than labels do. Every round is a cosine from the peak rate to 0; there are as many
 * as needed.
 */
export async function compensate(task: CompensationTask): Promise<StateDict> {
  const { recipe, threads } = task;
  const { network } = task.runner;
  const { batch, steps, rounds } = recipe;
  const batches = cleanBatches(task);
  const images = function* () {
    for (let i = 0; i < recipe.statistics_batches; i++) yield batches.next().value;
  };
  let state = await recalibrate(network, task.cut, images(), { batch, threads });
  const trained = trainedKeys(network, recipe);
  const trains = (key: string) => trained.has(key);
  const sgd = { momentum: recipe.momentum, nesterov: false, weightDecay: 0 };
  const trainer = await Trainer.create(network, state, { ...sgd, trains, batch, threads });
  const answers = teacher(task);
  try {
    let next = batches.next().value;
    for (let round = 1; round <= rounds; round++) {
      for (let step = 0; step < steps; step++) {
        const targets = await answers(next);
        const running = trainer.step(next, targets, halfCosine(step, steps, recipe.learning_rate, 0));
        next = batches.next().value;
        await running;
        task.onStep?.((round - 1) * steps + step + 1, rounds * steps);
      }
      state = trainer.snapshot();
      if (await task.isEnough(state, round)) break;
    }
    return state;
  } finally {
    await trainer.release();
  }
}

/** The clean model's probabilities `[batch, classes]` for a batch of normalised images; overwritten by the next call. */
function teacher({ runner, clean, recipe }: CompensationTask): (images: Float32Array) => Promise<Float32Array> {
  const { network, pool } = runner;
  const feeds = new Map(foldState(network, clean));
  const probabilities = new Float32Array(recipe.batch * network.classes);
  return async (images) => {
    feeds.set("input", images);
    const outputs = await pool.run("infer", network, recipe.batch, (l) => inferProgram(l, network), feeds);
    const logits = outputs.get("logits")!;
    for (let at = 0; at < logits.length; at += network.classes) {
      const row = logits.subarray(at, at + network.classes);
      const highest = Math.max(...row);
      const total = row.reduce((sum, v) => sum + Math.exp(v - highest), 0);
      for (let j = 0; j < row.length; j++) probabilities[at + j] = Math.exp(row[j] - highest) / total;
    }
    return probabilities;
  };
}

/** Normalised batches without end in shuffled passes, in two arrays used in turn. */
function* cleanBatches({ runner, dataset, images, recipe, seed }: CompensationTask): Generator<Float32Array, never> {
  const random = new Random(seed);
  const normaliser = new Normaliser(runner.normalization);
  const size = imageSize(images);
  const image = new Uint8Array(size);
  const buffers = [0, 1].map(() => new Float32Array(recipe.batch * size));
  const augmentation = { flip: dataset.augmentation.flip, cropPadding: 0 };
  const sources = shuffledPasses(images.count, random);
  for (let step = 0; ; step++) {
    const batch = buffers[step % 2];
    for (let k = 0; k < recipe.batch; k++) {
      augmentImage(images, sources.next().value, augmentation, random, image);
      normaliser.write(image, 0, batch, k * size, size);
    }
    yield batch;
  }
}
