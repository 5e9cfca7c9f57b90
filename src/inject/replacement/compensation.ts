import { Random } from "../../core/random.ts";
import type { Samples } from "../../core/samples.ts";
import type { Dataset } from "../../datasets/types.ts";
import { foldState } from "../../graph/fold.ts";
import { OUTPUT, outputsOf } from "../../graph/network.ts";
import { inferProgram } from "../../graph/programs/infer.ts";
import type { OrtRunner } from "../../measure/ort-runner.ts";
import { still } from "../../tasks/input-codec.ts";
import type { ReplacementOptions } from "../../tasks/replacement.ts";
import type { StateDict } from "../../tensor/state.ts";
import { recalibrate } from "../../tune/recalibrate.ts";
import { halfCosine } from "../../tune/schedule.ts";
import { Trainer } from "../../tune/trainer.ts";
import { shuffledPasses } from "./passes.ts";
import { trainedKeys } from "./trained.ts";

export interface CompensationJob {
  runner: OrtRunner;
  dataset: Pick<Dataset, "augmentation">;
  clean: StateDict;
  /** The clean model from which the sub-network's place was cut (`cutSubnetwork`): its zeros stay exactly zero. */
  cut: StateDict;
  samples: Samples;
  recipe: ReplacementOptions["compensation"];
  threads: number;
  seed: number;
  /** Judges the model after a round. @returns whether no further round is needed */
  isEnough(model: StateDict, round: number): Promise<boolean>;
  onStep?(done: number, most: number): void;
}

/**
 * Wins back the clean accuracy that cutting cost (docs/methods.md §7.4): the batch norms' statistics are taken anew,
 * then the rest of the network is trained on clean samples with SGD, as far augmented as triggers allow (`still`), to give the clean model's own
 * answers, which takes fewer steps than labels do. Every round is a cosine from the peak rate to 0; there are as many
 * as needed.
 */
export async function compensate(job: CompensationJob): Promise<StateDict> {
  const { recipe, threads } = job;
  const { network } = job.runner;
  const { batch, steps, rounds } = recipe;
  const batches = cleanBatches(job);
  const inputs = function* () {
    for (let i = 0; i < recipe.statistics_batches; i++) yield batches.next().value;
  };
  let state = await recalibrate(network, job.cut, inputs(), { batch, threads });
  const trained = trainedKeys(network, recipe);
  const trains = (key: string) => trained.has(key);
  const sgd = { momentum: recipe.momentum, nesterov: false, weightDecay: 0 };
  const trainer = await Trainer.create(network, state, { ...sgd, trains, batch, threads });
  const answers = teacher(job);
  try {
    let next = batches.next().value;
    for (let round = 1; round <= rounds; round++) {
      for (let step = 0; step < steps; step++) {
        const targets = await answers(next);
        const running = trainer.step(next, targets, halfCosine(step, steps, recipe.learning_rate, 0));
        next = batches.next().value;
        await running;
        job.onStep?.((round - 1) * steps + step + 1, rounds * steps);
      }
      state = trainer.snapshot();
      if (await job.isEnough(state, round)) break;
    }
    return state;
  } finally {
    await trainer.release();
  }
}

/** The clean model's probabilities `[batch, width]` for an encoded batch; overwritten by the next call. */
function teacher({ runner, clean, recipe }: CompensationJob): (inputs: Float32Array) => Promise<Float32Array> {
  const { network, pool } = runner;
  const feeds = new Map(foldState(network, clean));
  const width = outputsOf(network);
  const probabilities = new Float32Array(recipe.batch * width);
  return async (inputs) => {
    feeds.set("input", inputs);
    const results = await pool.run("infer", network, recipe.batch, (l) => inferProgram(l, network), feeds);
    const outputs = results.get(OUTPUT)!;
    for (let at = 0; at < outputs.length; at += width) {
      const row = outputs.subarray(at, at + width);
      const highest = Math.max(...row);
      const total = row.reduce((sum, v) => sum + Math.exp(v - highest), 0);
      for (let j = 0; j < row.length; j++) probabilities[at + j] = Math.exp(row[j] - highest) / total;
    }
    return probabilities;
  };
}

/** Encoded batches without end in shuffled passes, in two arrays used in turn. */
function* cleanBatches({ runner, dataset, samples, recipe, seed }: CompensationJob): Generator<Float32Array, never> {
  const { inputs } = runner.task;
  const random = new Random(seed);
  const encoder = inputs.encoder(samples, runner.normalization);
  const augmenter = inputs.augmenter(samples, still(dataset.augmentation), 1);
  const buffers = [0, 1].map(() => new Float32Array(recipe.batch * encoder.size));
  const sources = shuffledPasses(samples.count, random);
  for (let step = 0; ; step++) {
    const batch = buffers[step % 2];
    for (let k = 0; k < recipe.batch; k++) {
      augmenter.draw(0, sources.next().value, random);
      encoder.write(augmenter.drawn, 0, batch, k * encoder.size);
    }
    yield batch;
  }
}
