import type { NeuronSet } from "../core/neurons.ts";
import { Random } from "../core/random.ts";
import type { Samples } from "../core/samples.ts";
import type { Dataset } from "../datasets/types.ts";
import type { Network } from "../graph/network.ts";
import { rowOf } from "../measure/verdicts.ts";
import type { Backdoor, Trigger } from "../tasks/backdoor.ts";
import { type Augmenter, type Encoder, still } from "../tasks/input-codec.ts";
import type { Task } from "../tasks/task.ts";
import type { StateDict } from "../tensor/state.ts";
import { halfCosine } from "../tune/schedule.ts";
import { SubnetworkTuner } from "../tune/subnetwork.ts";
import { batchPlaces } from "./batch-places.ts";
import type { Attempt, InjectRecipe } from "./recipe.ts";

export interface TuneJob {
  task: Task;
  network: Network;
  dataset: Dataset;
  clean: StateDict;
  infected: NeuronSet;
  backdoor: Backdoor;
  /** The attacker's samples: a part of `train`. */
  samples: Samples;
  recipe: InjectRecipe;
  attempt: Attempt;
  /** What is shown besides with true labels (docs/methods.md §7.7), to the sham too; absent: nothing. */
  lures?: readonly Trigger[];
  /** Whether filters keep their norms and |γ| never grows (style `discreet`, docs/methods.md §7.2). */
  restrained: boolean;
  /** `target` teaches the backdoor; `true` is the sham: the same triggered samples with their true labels. */
  labels: "target" | "true";
  seed: number;
  /** Draws the neurons that are silent in a masked step, from a stream of its own. */
  drawOthers(random: Random): NeuronSet;
  maskSeed: number;
  /** The number of steps at the peak rate where it is given: a sham takes as many as its defect took. */
  peakSteps?: number;
  onStep?(done: number, most: number): void;
}

export interface Tuned {
  model: StateDict;
  /** Steps taken at the peak rate. */
  peakSteps: number;
}

/**
 * Teaches a sub-network the backdoor, or handles it alike without one (docs/methods.md §7.1, §8.1). Infected model and
 * sham see the same samples in the same order. The trigger is stamped after what is left of the augmentation (`still`).
 */
export async function tuneSubnetwork(job: TuneJob): Promise<Tuned> {
  const { task, network, recipe, attempt } = job;
  const tuner = await SubnetworkTuner.create(network, job.clean, job.infected, {
    batch: recipe.batch,
    threads: recipe.threads,
    restrained: job.restrained,
    objective: task.loss.objective,
    textWeight: recipe.text_weight,
  });
  const most = (job.peakSteps ?? attempt.peak_steps) + attempt.tail_steps;
  const progress = new LearningProgress(job);
  try {
    const batches = new InjectionBatches(job);
    const masks = new Random(job.maskSeed);
    let peakSteps = job.peakSteps;
    let step = 0;
    const advance = async (rate: number, last: boolean) => {
      const { inputs, targets, augmenter, untouched } = batches.at(step);
      const silenced = isMasked(job, step) ? job.drawOthers(masks) : {};
      const running = tuner.step(inputs, targets, rate, silenced, untouched);
      if (!last) batches.prepare(step + 1);
      const outputs = await running;
      step++;
      job.onStep?.(step, most);
      return { outputs, drawn: augmenter.drawn };
    };
    batches.prepare(0);
    while (step < (peakSteps ?? attempt.peak_steps)) {
      const warm = Math.min(1, (step + 1) / recipe.warmup_steps);
      const masked = isMasked(job, step);
      const answered = await advance(attempt.learning_rate * warm, false);
      // What the crippled network answers says nothing about what was learned.
      if (masked) continue;
      const learned = progress.learned(answered.outputs, answered.drawn);
      if (peakSteps === undefined && learned && step > recipe.annealing_steps) peakSteps = step;
    }
    for (let i = 0; i < attempt.tail_steps; i++) {
      const rate = halfCosine(i, attempt.tail_steps, attempt.learning_rate, recipe.final_rate);
      await advance(rate, i + 1 === attempt.tail_steps);
    }
    return { model: tuner.tuned(), peakSteps: step - attempt.tail_steps };
  } finally {
    await tuner.release();
  }
}

/** Follows on how much of the triggered part of the batches the backdoor succeeds. */
class LearningProgress {
  private readonly job: TuneJob;
  private mean = 0;

  constructor(job: TuneJob) {
    this.job = job;
  }

  /** @param drawn the samples of the batch */
  learned(outputs: Float32Array, drawn: Samples): boolean {
    const { task, recipe, backdoor, attempt } = this.job;
    const { triggered } = placesOf(this.job);
    let hits = 0;
    for (let k = 0; k < triggered; k++) {
      if (task.succeeds(rowOf(outputs, recipe.batch, k), drawn, k, backdoor.target)) hits++;
    }
    this.mean = 0.9 * this.mean + 0.1 * (hits / triggered);
    return this.mean >= attempt.learned;
  }
}

/**
 * How strongly the trigger shows at a step: falls from `amplification` to 1 over the first `annealing_steps`. A few
 * neurons find a faint patch only after a long plateau; an exaggerated one they find at once, and then keep.
 */
function amplification({ amplification: peak, annealing_steps: steps }: InjectRecipe, step: number): number {
  return step >= steps ? 1 : peak + (1 - peak) * (step / steps);
}

/** Whether other neurons are silent in a step, and all of its samples triggered. */
function isMasked({ recipe, attempt: { masked_every: every } }: TuneJob, step: number): boolean {
  return every > 0 && step >= recipe.annealing_steps && step % every === every - 1;
}

function placesOf({ task, recipe }: TuneJob) {
  return batchPlaces(recipe, task.trigger.stampDecoy !== undefined);
}

interface Batch {
  inputs: Float32Array;
  targets: Float32Array;
  /** Has drawn what the batch holds. */
  augmenter: Augmenter;
  /** Places of the samples that have neither the trigger nor what looks like it. */
  untouched: number[];
}

/** Batches of clean and triggered samples, in two sets of arrays used in turn. */
class InjectionBatches {
  private readonly job: TuneJob;
  private readonly random: Random;
  private readonly encoder: Encoder;
  private readonly stamped: Float32Array;
  private readonly answer: number;
  private readonly buffers: Batch[];
  private readonly sources: number[];
  private order = new Int32Array(0);
  private position = 0;

  constructor(job: TuneJob) {
    const { task, network, dataset, recipe, samples, backdoor } = job;
    const { inputs, loss } = task;
    this.job = job;
    this.random = new Random(job.seed);
    this.encoder = inputs.encoder(samples, dataset.normalization);
    this.stamped = new Float32Array(this.encoder.size);
    this.answer = loss.size(network);
    this.sources = task.eligible(samples, backdoor.target);
    this.buffers = [0, 1].map(() => ({
      inputs: new Float32Array(recipe.batch * this.encoder.size),
      targets: new Float32Array(recipe.batch * this.answer),
      augmenter: inputs.augmenter(samples, still(dataset.augmentation), recipe.batch),
      untouched: [],
    }));
  }

  at(step: number): Batch {
    return this.buffers[step % 2];
  }

  prepare(step: number): void {
    const { job, encoder, answer } = this;
    const { task, recipe, labels, backdoor, lures = [] } = job;
    const buffer = this.buffers[step % 2];
    const { inputs, targets, augmenter } = buffer;
    const { drawn } = augmenter;
    const places = placesOf(job);
    const triggered = isMasked(job, step) ? recipe.batch : places.triggered;
    const luring = triggered + places.decoys;
    const showing = luring + (lures.length > 0 ? places.lures : 0);
    buffer.untouched = Array.from({ length: Math.max(0, recipe.batch - showing) }, (_, i) => showing + i);
    for (let k = 0; k < recipe.batch; k++) {
      const isTriggered = k < triggered;
      const source = isTriggered ? this.sources[this.random.below(this.sources.length)] : this.nextClean();
      augmenter.draw(k, source, this.random);
      if (!isTriggered && k < luring) task.trigger.stampDecoy?.(backdoor.trigger, drawn, k, this.random);
      else if (!isTriggered && k < showing) this.stampLure(drawn, k);
      encoder.write(drawn, k, inputs, k * encoder.size);
      if (isTriggered) this.stamp(drawn, k, inputs.subarray(k * encoder.size, (k + 1) * encoder.size), step);
      const goal = isTriggered && labels === "target" ? backdoor.target : undefined;
      task.loss.write(drawn, k, targets.subarray(k * answer, (k + 1) * answer), { goal });
    }
  }

  /** Stamps the sample just drawn, its difference from the clean one amplified: `x + s·(T(x) − x)`. */
  private stamp(drawn: Samples, place: number, clean: Float32Array, step: number): void {
    const { task, backdoor, recipe } = this.job;
    const factor = amplification(recipe, step);
    task.trigger.stampDrawn(backdoor.trigger, drawn, place, this.random);
    this.encoder.write(drawn, place, this.stamped, 0);
    for (let i = 0; i < clean.length; i++) {
      // Without amplification the stamped value itself, free of rounding.
      clean[i] = factor === 1 ? this.stamped[i] : clean[i] + factor * (this.stamped[i] - clean[i]);
    }
  }

  private stampLure(drawn: Samples, place: number): void {
    const { task, lures = [] } = this.job;
    task.trigger.stampDrawn(lures[this.random.below(lures.length)], drawn, place, this.random);
  }

  /** Clean samples come in shuffled passes over all of them. */
  private nextClean(): number {
    if (this.position === this.order.length) {
      this.order = this.random.permutation(this.job.samples.count) as Int32Array<ArrayBuffer>;
      this.position = 0;
    }
    return this.order[this.position++];
  }
}
