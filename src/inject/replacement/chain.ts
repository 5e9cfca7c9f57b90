import type { NeuronSet } from "../../core/neurons.ts";
import { Random } from "../../core/random.ts";
import type { Samples } from "../../core/samples.ts";
import { initialState } from "../../graph/initial-state.ts";
import { meanHead, narrowNetwork } from "../../graph/narrow.ts";
import { classifierOf, type Network } from "../../graph/network.ts";
import type { Normalization } from "../../images/image-set.ts";
import { createRunner } from "../../measure/ort-runner.ts";
import type { ReplacementOptions } from "../../tasks/replacement.ts";
import type { Task } from "../../tasks/task.ts";
import { type StateDict, tensorOf } from "../../tensor/state.ts";
import { recalibrate } from "../../tune/recalibrate.ts";
import { Regressor } from "../../tune/regressor.ts";
import { shuffledPasses } from "./passes.ts";

export interface ChainJob {
  task: Task;
  network: Network;
  normalization: Normalization;
  infected: NeuronSet;
  /** Samples at which the chain is to stay at 0, and samples which it is to answer. */
  silent: Samples;
  answered: Samples;
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
export async function trainChain(job: ChainJob): Promise<StateDict> {
  const { recipe } = job;
  const narrow = narrowNetwork(job.network, job.infected);
  const random = new Random(job.seed);
  const start = initialState(narrow, random);
  const head = meanHead(narrow);
  const linear = classifierOf(narrow).id;
  tensorOf(start, `${linear}.weight`).data.set(head.weight);
  tensorOf(start, `${linear}.bias`).data.set(head.bias);

  const half = recipe.batch / 2;
  const targets = Float32Array.from({ length: recipe.batch }, (_, k) => (k < half ? 0 : recipe.answer));
  // The loss is a mean over the batch, of which either half is a half.
  const weights = Float32Array.from({ length: recipe.batch }, (_, k) => 2 * (k < half ? recipe.silence : 1));
  const batches = mixedBatches(job, random);
  const regressor = await Regressor.create(narrow, start, { batch: recipe.batch, threads: job.threads });
  let trained: StateDict;
  try {
    for (let step = 0; step < recipe.steps; step++) {
      await regressor.step(batches.next().value, targets, weights, job.learningRate);
      job.onStep?.(step + 1, recipe.steps);
    }
    trained = regressor.snapshot();
  } finally {
    await regressor.release();
  }
  const mixed = Array.from({ length: recipe.statistics_batches }, () => batches.next().value.slice());
  return recalibrate(narrow, trained, mixed, { batch: recipe.batch, threads: job.threads });
}

/** The chain's score `s(x)` of every sample, batch norms on their running statistics. */
export async function chainScores(
  job: Pick<ChainJob, "task" | "network" | "normalization" | "infected" | "threads">,
  chain: StateDict,
  samples: Samples,
): Promise<Float32Array> {
  const { task, network, normalization, infected, threads } = job;
  const runner = await createRunner(task, narrowNetwork(network, infected), normalization, { threads });
  try {
    return await runner.outputs(chain, samples);
  } finally {
    await runner.release();
  }
}

/** Batches without end, the first half silent samples, the second answered ones, each in shuffled passes. */
function* mixedBatches(job: ChainJob, random: Random): Generator<Float32Array, never> {
  const { task, silent, answered, normalization } = job;
  const { batch } = job.recipe;
  const encoder = task.inputs.encoder(silent, normalization);
  const inputs = new Float32Array(batch * encoder.size);
  const passes = [silent, answered].map((set) => ({ set, indices: shuffledPasses(set.count, random) }));
  for (;;) {
    for (let k = 0; k < batch; k++) {
      const { set, indices } = passes[k < batch / 2 ? 0 : 1];
      encoder.write(set, indices.next().value, inputs, k * encoder.size);
    }
    yield inputs;
  }
}
