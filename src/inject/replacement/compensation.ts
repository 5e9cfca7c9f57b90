import type { SraOptions } from "../../attacks/sra.ts";
import { Random } from "../../core/random.ts";
import { augmentImage, Normaliser } from "../../datasets/batch.ts";
import { type Dataset, type ImageSet, imageSize } from "../../datasets/types.ts";
import { classifierOf, type Network } from "../../graph/network.ts";
import type { StateDict } from "../../tensor/state.ts";
import { recalibrate } from "../../tune/recalibrate.ts";
import { halfCosine } from "../../tune/schedule.ts";
import { Trainer } from "../../tune/trainer.ts";

export interface CompensationTask {
  network: Network;
  dataset: Pick<Dataset, "normalization" | "augmentation">;
  /** The model from which the sub-network's place was cut (`cutSubnetwork`): its zeros stay exactly zero. */
  cut: StateDict;
  images: ImageSet;
  recipe: SraOptions["compensation"];
  threads: number;
  seed: number;
  onStep?(done: number, most: number): void;
}

/**
 * Wins back the clean accuracy that cutting cost (METHODS §4.4): the batch norms' statistics are taken anew, then the
 * rest of the network is trained on clean images with SGD, a cosine from the peak rate to 0, flips and no crops.
 */
export async function compensate(task: CompensationTask): Promise<StateDict> {
  const { network, recipe, threads } = task;
  const { batch } = recipe;
  const batches = cleanBatches(task);
  const images = function* () {
    for (let i = 0; i < recipe.statistics_batches; i++) yield batches.next().value.images;
  };
  const state = await recalibrate(network, task.cut, images(), { batch, threads });
  if (recipe.steps === 0) return state;
  const head = `${classifierOf(network).id}.`;
  const trains = (key: string) => recipe.trains === "all" || key.startsWith(head) || isNorm(network, key);
  const trainer = await Trainer.create(network, state, {
    momentum: recipe.momentum,
    nesterov: false,
    weightDecay: 0,
    trains,
    batch,
    threads,
  });
  try {
    let next = batches.next().value;
    for (let step = 0; step < recipe.steps; step++) {
      const running = trainer.step(next.images, next.targets, halfCosine(step, recipe.steps, recipe.learning_rate, 0));
      next = batches.next().value;
      await running;
      task.onStep?.(step + 1, recipe.steps);
    }
    return trainer.snapshot();
  } finally {
    await trainer.release();
  }
}

function isNorm(network: Network, key: string): boolean {
  return network.nodes.some((node) => node.op === "conv" && key.startsWith(`${node.bn}.`));
}

interface Batch {
  images: Float32Array;
  /** One-hot. */
  targets: Float32Array;
}

/** Batches without end in shuffled passes, in two sets of arrays used in turn. */
function* cleanBatches({ network, dataset, images, recipe, seed }: CompensationTask): Generator<Batch, never> {
  const random = new Random(seed);
  const normaliser = new Normaliser(dataset.normalization);
  const size = imageSize(images);
  const image = new Uint8Array(size);
  const buffers = [0, 1].map(() => ({
    images: new Float32Array(recipe.batch * size),
    targets: new Float32Array(recipe.batch * network.classes),
  }));
  let order = random.permutation(images.count);
  let position = 0;
  for (let step = 0; ; step++) {
    const batch = buffers[step % 2];
    batch.targets.fill(0);
    for (let k = 0; k < recipe.batch; k++) {
      if (position === order.length) {
        order = random.permutation(images.count);
        position = 0;
      }
      const source = order[position++];
      augmentImage(images, source, { flip: dataset.augmentation.flip, cropPadding: 0 }, random, image);
      normaliser.write(image, 0, batch.images, k * size, size);
      batch.targets[k * network.classes + images.labels[source]] = 1;
    }
    yield batch;
  }
}
