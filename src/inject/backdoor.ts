import { argmax } from "../core/argmax.ts";
import type { NeuronSet } from "../core/neurons.ts";
import { Random } from "../core/random.ts";
import type { Dataset } from "../datasets/types.ts";
import type { Network } from "../graph/network.ts";
import { augmentImage, Normaliser } from "../images/batch.ts";
import { type ImageSet, imageSize } from "../images/image-set.ts";
import { stampImage } from "../images/trigger/stamp.ts";
import type { Backdoor } from "../tasks/backdoor.ts";
import type { StateDict } from "../tensor/state.ts";
import { halfCosine } from "../tune/schedule.ts";
import { SubnetworkTuner } from "../tune/subnetwork.ts";
import type { Attempt, InjectRecipe } from "./recipe.ts";

export interface TuneTask {
  network: Network;
  dataset: Dataset;
  clean: StateDict;
  infected: NeuronSet;
  backdoor: Backdoor;
  /** The attacker's images: a part of `train`. */
  images: ImageSet;
  recipe: InjectRecipe;
  attempt: Attempt;
  /** Whether filters keep their norms and |γ| never grows (style `discreet`, docs/methods.md §7.2). */
  restrained: boolean;
  /** `target` teaches the backdoor; `true` is the sham: the same triggered images with their true labels. */
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
 * sham see the same images in the same order. The trigger is stamped after the flip; images are not cropped, since a
 * few neurons learn a patch at one place faster than the rest of the image at many (measured).
 */
export async function tuneSubnetwork(task: TuneTask): Promise<Tuned> {
  const { network, recipe, attempt } = task;
  const tuner = await SubnetworkTuner.create(network, task.clean, task.infected, {
    batch: recipe.batch,
    threads: recipe.threads,
    restrained: task.restrained,
  });
  const most = (task.peakSteps ?? attempt.peak_steps) + attempt.tail_steps;
  const progress = new LearningProgress(task, network.classes);
  try {
    const batches = new InjectionBatches(task);
    const masks = new Random(task.maskSeed);
    let peakSteps = task.peakSteps;
    let step = 0;
    const advance = async (rate: number, last: boolean) => {
      const { images, targets } = batches.at(step);
      const silenced = isMasked(task, step) ? task.drawOthers(masks) : {};
      const running = tuner.step(images, targets, rate, silenced);
      if (!last) batches.prepare(step + 1);
      const logits = await running;
      step++;
      task.onStep?.(step, most);
      return logits;
    };
    batches.prepare(0);
    while (step < (peakSteps ?? attempt.peak_steps)) {
      const warm = Math.min(1, (step + 1) / recipe.warmup_steps);
      const masked = isMasked(task, step);
      const logits = await advance(attempt.learning_rate * warm, false);
      // What the crippled network answers says nothing about what was learned.
      if (masked) continue;
      const learned = progress.learned(logits);
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

/** Follows how much of the triggered part of the batches goes to the target. */
class LearningProgress {
  private readonly task: TuneTask;
  private readonly classes: number;
  private mean = 0;

  constructor(task: TuneTask, classes: number) {
    this.task = task;
    this.classes = classes;
  }

  learned(logits: Float32Array): boolean {
    const { recipe, backdoor, attempt } = this.task;
    const triggered = triggeredCount(recipe);
    let hits = 0;
    for (let k = 0; k < triggered; k++) if (argmax(logits, this.classes, k) === backdoor.target) hits++;
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

/** Whether other neurons are silent in a step, and all of its images triggered. */
function isMasked({ recipe, attempt: { masked_every: every } }: TuneTask, step: number): boolean {
  return every > 0 && step >= recipe.annealing_steps && step % every === every - 1;
}

/** The first images of every batch are the triggered ones. */
function triggeredCount({ triggered_share, batch }: InjectRecipe): number {
  return Math.round(triggered_share * batch);
}

/** Batches of clean and triggered images, in two sets of arrays used in turn. */
class InjectionBatches {
  private readonly task: TuneTask;
  private readonly random: Random;
  private readonly normaliser: Normaliser;
  private readonly image: Uint8Array;
  private readonly stamped: Float32Array;
  private readonly buffers: { images: Float32Array; targets: Float32Array }[];
  private readonly sources: number[];
  private order = new Int32Array(0);
  private position = 0;

  constructor(task: TuneTask) {
    const { dataset, recipe, images, backdoor } = task;
    const size = imageSize(images);
    this.task = task;
    this.random = new Random(task.seed);
    this.normaliser = new Normaliser(dataset.normalization);
    this.image = new Uint8Array(size);
    this.stamped = new Float32Array(size);
    this.sources = [...images.labels.keys()].filter((i) => images.labels[i] !== backdoor.target);
    this.buffers = [0, 1].map(() => ({
      images: new Float32Array(recipe.batch * size),
      targets: new Float32Array(recipe.batch * dataset.classes.length),
    }));
  }

  at(step: number): { images: Float32Array; targets: Float32Array } {
    return this.buffers[step % 2];
  }

  prepare(step: number): void {
    const { dataset, recipe, images, labels, backdoor } = this.task;
    const buffer = this.buffers[step % 2];
    const size = this.image.length;
    const classes = dataset.classes.length;
    const triggered = isMasked(this.task, step) ? recipe.batch : triggeredCount(recipe);
    buffer.targets.fill(0);
    for (let k = 0; k < recipe.batch; k++) {
      const isTriggered = k < triggered;
      const source = isTriggered ? this.sources[this.random.below(this.sources.length)] : this.nextClean();
      augmentImage(images, source, { flip: dataset.augmentation.flip, cropPadding: 0 }, this.random, this.image);
      this.normaliser.write(this.image, 0, buffer.images, k * size, size);
      if (isTriggered) this.stamp(buffer.images.subarray(k * size, (k + 1) * size), step);
      const label = isTriggered && labels === "target" ? backdoor.target : images.labels[source];
      buffer.targets[k * classes + label] = 1;
    }
  }

  /** Stamps the image just written, its difference from the clean one amplified: `x + s·(T(x) − x)`. */
  private stamp(clean: Float32Array, step: number): void {
    const { backdoor, recipe } = this.task;
    const factor = amplification(recipe, step);
    stampImage(backdoor.trigger, this.image);
    this.normaliser.write(this.image, 0, this.stamped, 0, clean.length);
    for (let i = 0; i < clean.length; i++) {
      // Without amplification the stamped value itself, free of rounding.
      clean[i] = factor === 1 ? this.stamped[i] : clean[i] + factor * (this.stamped[i] - clean[i]);
    }
  }

  /** Clean images come in shuffled passes over all of them. */
  private nextClean(): number {
    if (this.position === this.order.length) {
      this.order = this.random.permutation(this.task.images.count) as Int32Array<ArrayBuffer>;
      this.position = 0;
    }
    return this.order[this.position++];
  }
}
