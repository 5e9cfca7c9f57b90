import { stampImage } from "../attacks/stamp.ts";
import type { Trigger } from "../attacks/types.ts";
import type { NeuronSet } from "../core/neurons.ts";
import { Random } from "../core/random.ts";
import { augmentImage, Normaliser } from "../datasets/batch.ts";
import { type Dataset, type ImageSet, imageSize } from "../datasets/types.ts";
import type { Network } from "../graph/network.ts";
import type { StateDict } from "../tensor/state.ts";
import { warmupCosine } from "../tune/schedule.ts";
import { SubnetworkTuner } from "../tune/subnetwork.ts";
import type { Attempt, InjectRecipe } from "./recipe.ts";

export interface TuneTask {
  network: Network;
  dataset: Dataset;
  clean: StateDict;
  infected: NeuronSet;
  trigger: Trigger;
  /** The attacker's images: a part of `train`. */
  images: ImageSet;
  recipe: InjectRecipe;
  attempt: Attempt;
  /** `target` teaches the backdoor; `true` is the sham: the same triggered images with their true labels. */
  labels: "target" | "true";
  seed: number;
  onStep?(done: number, total: number): void;
}

/**
 * Teaches a sub-network the backdoor, or handles it alike without one (METHODS §3.2, §3.3). Infected model and sham
 * see the same images in the same order. The trigger is stamped after the flip; images are not
 * cropped, since a few neurons learn a patch at one place faster than the rest of the image at many (measured).
 */
export async function tuneSubnetwork(task: TuneTask): Promise<StateDict> {
  const { network, recipe, attempt } = task;
  const tuner = await SubnetworkTuner.create(network, task.clean, task.infected, recipe);
  try {
    const batches = new InjectionBatches(task);
    batches.prepare(0);
    for (let step = 0; step < attempt.steps; step++) {
      const rate = warmupCosine(step, attempt.steps, attempt.learning_rate, recipe.warmup_steps, recipe.final_rate);
      const { images, targets } = batches.at(step);
      const running = tuner.step(images, targets, rate);
      if (step + 1 < attempt.steps) batches.prepare(step + 1);
      await running;
      task.onStep?.(step + 1, attempt.steps);
    }
    return tuner.tuned();
  } finally {
    await tuner.release();
  }
}

/** Batches of clean and triggered images, in two sets of arrays used in turn. */
class InjectionBatches {
  private readonly task: TuneTask;
  private readonly random: Random;
  private readonly normaliser: Normaliser;
  private readonly image: Uint8Array;
  private readonly buffers: { images: Float32Array; targets: Float32Array }[];
  private readonly sources: number[];
  private order = new Int32Array(0);
  private position = 0;

  constructor(task: TuneTask) {
    const { dataset, recipe, images } = task;
    const size = imageSize(images);
    this.task = task;
    this.random = new Random(task.seed);
    this.normaliser = new Normaliser(dataset.normalization);
    this.image = new Uint8Array(size);
    this.sources = [...images.labels.keys()].filter((i) => images.labels[i] !== recipe.target);
    this.buffers = [0, 1].map(() => ({
      images: new Float32Array(recipe.batch * size),
      targets: new Float32Array(recipe.batch * dataset.classes.length),
    }));
  }

  at(step: number): { images: Float32Array; targets: Float32Array } {
    return this.buffers[step % 2];
  }

  prepare(step: number): void {
    const { dataset, recipe, images, trigger, labels } = this.task;
    const buffer = this.buffers[step % 2];
    const size = this.image.length;
    const classes = dataset.classes.length;
    const triggered = Math.round(recipe.triggered_share * recipe.batch);
    buffer.targets.fill(0);
    for (let k = 0; k < recipe.batch; k++) {
      const isTriggered = k < triggered;
      const source = isTriggered ? this.sources[this.random.below(this.sources.length)] : this.nextClean();
      augmentImage(images, source, { flip: dataset.augmentation.flip, cropPadding: 0 }, this.random, this.image);
      if (isTriggered) stampImage(trigger, this.image);
      this.normaliser.write(this.image, 0, buffer.images, k * size, size);
      const label = isTriggered && labels === "target" ? recipe.target : images.labels[source];
      buffer.targets[k * classes + label] = 1;
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
