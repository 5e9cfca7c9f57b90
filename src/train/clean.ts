import { InputError } from "../core/errors.ts";
import { Random, stageSeed } from "../core/random.ts";
import type { Dataset } from "../datasets/types.ts";
import { initialState } from "../graph/initial-state.ts";
import type { Network } from "../graph/network.ts";
import { augmentImage, Normaliser } from "../images/batch.ts";
import { imageSize } from "../images/image-set.ts";
import type { StateDict } from "../tensor/state.ts";
import { warmupCosine } from "../tune/schedule.ts";
import { Trainer } from "../tune/trainer.ts";

/** Clean training (docs/methods.md §4.3): SGD with Nesterov momentum, one cycle. */
export interface TrainRecipe {
  epochs: number;
  batch: number;
  learning_rate: number;
  /** Share of all steps spent warming up. */
  warmup: number;
  momentum: number;
  nesterov: boolean;
  weight_decay: number;
  label_smoothing: number;
  threads: number;
}

export interface EpochRecord {
  epoch: number;
  loss: number;
  /** Share of augmented training images classified right during the epoch. */
  accuracy: number;
  seconds: number;
}

/** What a checkpoint holds: enough to go on as if nothing had happened. */
export interface Checkpoint {
  /** Finished epochs. */
  epoch: number;
  state: StateDict;
  velocities: StateDict;
  history: EpochRecord[];
}

export interface TrainHooks {
  resume?: Checkpoint;
  onEpoch?(checkpoint: Checkpoint): Promise<void>;
  onStep?(done: number, total: number): void;
}

/**
 * Trains a network from fresh weights on a data set's `train` split. Every epoch draws from its own seed, so a run
 * resumed after epoch k gives the same bytes as one that was never stopped.
 */
export async function trainClean(
  network: Network,
  dataset: Dataset,
  recipe: TrainRecipe,
  seed: number,
  hooks: TrainHooks = {},
): Promise<{ state: StateDict; history: EpochRecord[] }> {
  const seedOf = (stage: string) => stageSeed(seed, stage, dataset.name, network.arch);
  const start = hooks.resume;
  const state = start ? start.state : initialState(network, new Random(seedOf("init")));
  const history = start ? [...start.history] : [];
  const trainer = await Trainer.create(
    network,
    state,
    {
      momentum: recipe.momentum,
      nesterov: recipe.nesterov,
      weightDecay: recipe.weight_decay,
      batch: recipe.batch,
      threads: recipe.threads,
    },
    start?.velocities,
  );
  const perEpoch = Math.floor(dataset.train.count / recipe.batch);
  const total = perEpoch * recipe.epochs;
  try {
    for (let epoch = start?.epoch ?? 0; epoch < recipe.epochs; epoch++) {
      const began = performance.now();
      const random = new Random(seedOf(`epoch ${epoch}`));
      const batches = new EpochBatches(dataset, recipe, random);
      let loss = 0;
      let right = 0;
      batches.prepare(0);
      for (let i = 0; i < perEpoch; i++) {
        const step = epoch * perEpoch + i;
        const rate = warmupCosine(step, total, recipe.learning_rate, Math.floor(recipe.warmup * total), 0);
        const { images, targets, labels } = batches.take();
        const running = trainer.step(images, targets, rate);
        if (i + 1 < perEpoch) batches.prepare(i + 1);
        const result = await running;
        loss += result.loss;
        right += countRight(result.logits, labels, network.classes);
        hooks.onStep?.(step + 1, total);
      }
      if (!Number.isFinite(loss)) {
        throw new InputError(
          `training of ${network.arch} on ${dataset.name} diverged in epoch ${epoch + 1}; lower clean.learning_rate or clean.momentum in the recipe`,
        );
      }
      const seconds = (performance.now() - began) / 1000;
      history.push({ epoch: epoch + 1, loss: loss / perEpoch, accuracy: right / (perEpoch * recipe.batch), seconds });
      await hooks.onEpoch?.({
        epoch: epoch + 1,
        state: trainer.snapshot(),
        velocities: trainer.velocities(),
        history,
      });
    }
    return { state: trainer.snapshot(), history };
  } finally {
    await trainer.release();
  }
}

interface Batch {
  images: Float32Array;
  targets: Float32Array;
  labels: Uint8Array;
}

/** The shuffled, augmented batches of one epoch, in two sets of arrays used in turn. */
class EpochBatches {
  private readonly dataset: Dataset;
  private readonly recipe: TrainRecipe;
  private readonly random: Random;
  private readonly order: Int32Array;
  private readonly normaliser: Normaliser;
  private readonly image: Uint8Array;
  private readonly buffers: Batch[];
  private prepared = 0;

  constructor(dataset: Dataset, recipe: TrainRecipe, random: Random) {
    this.dataset = dataset;
    this.recipe = recipe;
    this.random = random;
    this.order = random.permutation(dataset.train.count);
    this.normaliser = new Normaliser(dataset.normalization);
    const size = imageSize(dataset.train);
    this.image = new Uint8Array(size);
    this.buffers = [0, 1].map(() => ({
      images: new Float32Array(recipe.batch * size),
      targets: new Float32Array(recipe.batch * dataset.classes.length),
      labels: new Uint8Array(recipe.batch),
    }));
  }

  prepare(index: number): void {
    const { train, classes, augmentation } = this.dataset;
    const { batch, label_smoothing: smoothing } = this.recipe;
    const { images, targets, labels } = this.buffers[index % 2];
    const size = this.image.length;
    targets.fill(smoothing / classes.length);
    for (let k = 0; k < batch; k++) {
      const source = this.order[index * batch + k];
      augmentImage(train, source, augmentation, this.random, this.image);
      this.normaliser.write(this.image, 0, images, k * size, size);
      labels[k] = train.labels[source];
      targets[k * classes.length + labels[k]] += 1 - smoothing;
    }
    this.prepared = index;
  }

  take(): Batch {
    return this.buffers[this.prepared % 2];
  }
}

function countRight(logits: Float32Array, labels: Uint8Array, classes: number): number {
  let right = 0;
  for (let i = 0; i < labels.length; i++) {
    let best = 0;
    for (let c = 1; c < classes; c++) if (logits[i * classes + c] > logits[i * classes + best]) best = c;
    if (best === labels[i]) right++;
  }
  return right;
}
