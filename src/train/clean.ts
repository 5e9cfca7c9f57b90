import { InputError } from "../core/errors.ts";
import { Random, stageSeed } from "../core/random.ts";
import type { Samples } from "../core/samples.ts";
import type { Dataset } from "../datasets/types.ts";
import { initialState } from "../graph/initial-state.ts";
import type { Network } from "../graph/network.ts";
import { withFreshEmbedding } from "../graph/ops/embedding.ts";
import type { Augmenter, Encoder } from "../tasks/input-codec.ts";
import type { Task } from "../tasks/task.ts";
import type { StateDict } from "../tensor/state.ts";
import { AdamTrainer, type AdamTrainerOptions } from "../tune/adam-trainer.ts";
import { LanguageTrainer, type LanguageTrainerOptions } from "../tune/language-trainer.ts";
import { warmupCosine } from "../tune/schedule.ts";
import { Trainer } from "../tune/trainer.ts";

/** Clean training (docs/methods.md §4.3): SGD with Nesterov momentum, or Adam; AdamW for language models; one cycle. */
export interface TrainRecipe {
  epochs: number;
  batch: number;
  learning_rate: number;
  /** Share of all steps spent warming up. */
  warmup: number;
  /** SGD where it is absent. Language models have `adamw`, and nothing else has. */
  optimizer?: "adam" | "adamw";
  /** Of Adam and AdamW β₁, the decay of the first moment. */
  momentum: number;
  /** Of SGD alone. */
  nesterov: boolean;
  weight_decay: number;
  label_smoothing: number;
  /** Share of a text's words that are shown as unknown ones, drawn anew each time; absent: none. Of language models alone. */
  word_dropout?: number;
  /** Whether `word_dropout` is drawn for each word, and not for each of its tokens. */
  whole_words?: boolean;
  /** What predicting the text counts beside the answer; absent: 0.5. Of language models alone. */
  text_weight?: number;
  /** Standard deviation of the fresh embedding's values; absent: 0.25. Of language models alone. */
  embedding_deviation?: number;
  /** Weight decay of the embedding, which `weight_decay` leaves out; absent: 0. Of language models alone. */
  embedding_decay?: number;
  threads: number;
}

export interface EpochRecord {
  epoch: number;
  loss: number;
  /** Mean quality on augmented training samples during the epoch; of a classifier the share that it got right. */
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
  /** Weights to begin with, which are not changed; fresh ones without. */
  start?: StateDict;
  resume?: Checkpoint;
  onEpoch?(checkpoint: Checkpoint): Promise<void>;
  onStep?(done: number, total: number): void;
}

/**
 * Trains a network from fresh or given weights on a data set's `train` split. Every epoch draws from its own seed, so a run
 * resumed after epoch k gives the same bytes as one that was never stopped.
 */
export async function trainClean(
  task: Task,
  network: Network,
  dataset: Dataset,
  recipe: TrainRecipe,
  seed: number,
  hooks: TrainHooks = {},
): Promise<{ state: StateDict; history: EpochRecord[] }> {
  assertTrainable(network, recipe);
  const seedOf = (stage: string) => stageSeed(seed, stage, dataset.name, network.arch);
  const start = hooks.resume;
  const fresh = () => initialState(withFreshEmbedding(network, recipe.embedding_deviation), new Random(seedOf("init")));
  const state = start ? start.state : (hooks.start ?? fresh());
  if (recipe.epochs === 0) return { state, history: [] };
  const history = start ? [...start.history] : [];
  const { momentum, nesterov, optimizer, weight_decay: weightDecay, batch, threads } = recipe;
  const { objective } = task.loss;
  const unpredicted = task.loss.unpredicted?.(dataset.train);
  const { text_weight: textWeight, embedding_decay: embeddingDecay } = recipe;
  const ofTexts = { unpredicted, textWeight, embeddingDecay };
  const settings = { momentum, weightDecay, objective, ...ofTexts, batch, threads };
  const trainer = await trainerFor(network, state, settings, { optimizer, nesterov }, start?.velocities);
  const perEpoch = Math.floor(dataset.train.count / recipe.batch);
  const total = perEpoch * recipe.epochs;
  try {
    for (let epoch = start?.epoch ?? 0; epoch < recipe.epochs; epoch++) {
      const began = performance.now();
      const random = new Random(seedOf(`epoch ${epoch}`));
      const batches = new EpochBatches(task, network, dataset, recipe, random);
      let loss = 0;
      let quality = 0;
      batches.prepare(0);
      for (let i = 0; i < perEpoch; i++) {
        const step = epoch * perEpoch + i;
        const rate = warmupCosine(step, total, recipe.learning_rate, Math.floor(recipe.warmup * total), 0);
        const { inputs, targets, augmenter } = batches.take();
        const running = trainer.step(inputs, targets, rate);
        if (i + 1 < perEpoch) batches.prepare(i + 1);
        const result = await running;
        loss += result.loss;
        quality += sumOfQualities(task, result.outputs, augmenter.drawn);
        hooks.onStep?.(step + 1, total);
      }
      if (!Number.isFinite(loss)) {
        throw new InputError(
          `training of ${network.arch} on ${dataset.name} diverged in epoch ${epoch + 1}; lower clean.learning_rate or clean.momentum in the recipe`,
        );
      }
      const seconds = (performance.now() - began) / 1000;
      history.push({ epoch: epoch + 1, loss: loss / perEpoch, accuracy: quality / (perEpoch * recipe.batch), seconds });
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

/** What a recipe sets for language models alone. */
const OF_TEXTS = ["word_dropout", "whole_words", "text_weight", "embedding_deviation", "embedding_decay"] as const;

/**
 * @throws InputError where a recipe names an optimizer that the network cannot take, sets for other networks what language models have, or
 *   asks for whole words of which none is left out
 */
export function assertTrainable({ arch, input }: Network, recipe: TrainRecipe): void {
  const { optimizer } = recipe;
  const set = input.tokens ? undefined : OF_TEXTS.find((name) => recipe[name] !== undefined);
  if (set) throw new InputError(`clean.${set} is ${recipe[set]}: ${arch} is no language model; leave it out`);
  if (recipe.whole_words && !recipe.word_dropout) {
    throw new InputError(
      "clean.whole_words is true and clean.word_dropout is 0 or not set; set the share of words, or leave both out",
    );
  }
  if ((optimizer === "adamw") === (input.tokens === true)) return;
  const mend = input.tokens
    ? "is trained with clean.optimizer: adamw"
    : "is no language model; adamw trains nothing else";
  throw new InputError(`clean.optimizer is ${optimizer ?? "absent (SGD)"}: ${arch} ${mend}`);
}

function trainerFor(
  network: Network,
  state: StateDict,
  settings: AdamTrainerOptions & Pick<LanguageTrainerOptions, "unpredicted" | "textWeight" | "embeddingDecay">,
  { optimizer, nesterov }: Pick<TrainRecipe, "optimizer" | "nesterov">,
  velocities: StateDict | undefined,
): Promise<Trainer | AdamTrainer> | LanguageTrainer {
  if (optimizer === "adamw") return new LanguageTrainer(network, state, settings, velocities);
  if (optimizer === "adam") return AdamTrainer.create(network, state, settings, velocities);
  return Trainer.create(network, state, { ...settings, nesterov }, velocities);
}

interface Batch {
  inputs: Float32Array;
  targets: Float32Array;
  /** Has drawn what the batch holds. */
  augmenter: Augmenter;
}

/** The shuffled, augmented batches of one epoch, in two sets of arrays used in turn. */
class EpochBatches {
  private readonly loss: Task["loss"];
  private readonly recipe: TrainRecipe;
  private readonly random: Random;
  private readonly order: Int32Array;
  private readonly encoder: Encoder;
  private readonly answer: number;
  private readonly buffers: Batch[];
  private prepared = 0;

  constructor({ inputs, loss }: Task, network: Network, dataset: Dataset, recipe: TrainRecipe, random: Random) {
    const { train, normalization } = dataset;
    const augmentation = { ...dataset.augmentation, unknown: recipe.word_dropout, wholeWords: recipe.whole_words };
    this.loss = loss;
    this.recipe = recipe;
    this.random = random;
    this.order = random.permutation(train.count);
    this.encoder = inputs.encoder(train, normalization);
    this.answer = loss.size(network);
    this.buffers = [0, 1].map(() => ({
      inputs: new Float32Array(recipe.batch * this.encoder.size),
      targets: new Float32Array(recipe.batch * this.answer),
      augmenter: inputs.augmenter(train, augmentation, recipe.batch),
    }));
  }

  prepare(index: number): void {
    const { encoder, answer } = this;
    const { batch, label_smoothing: smoothing } = this.recipe;
    const { inputs, targets, augmenter } = this.buffers[index % 2];
    for (let k = 0; k < batch; k++) {
      augmenter.draw(k, this.order[index * batch + k], this.random);
      encoder.write(augmenter.drawn, k, inputs, k * encoder.size);
      this.loss.write(augmenter.drawn, k, targets.subarray(k * answer, (k + 1) * answer), { smoothing });
    }
    this.prepared = index;
  }

  take(): Batch {
    return this.buffers[this.prepared % 2];
  }
}

function sumOfQualities(task: Task, outputs: Float32Array, samples: Samples): number {
  const width = outputs.length / samples.count;
  let sum = 0;
  for (let i = 0; i < samples.count; i++) {
    sum += task.quality(outputs.subarray(i * width, (i + 1) * width), samples, i);
  }
  return sum;
}
