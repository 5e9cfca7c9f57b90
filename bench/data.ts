import { Random } from "../src/core/random.ts";
import type { Network } from "../src/graph/network.ts";
import type { ImageSet } from "../src/images/image-set.ts";
import type { ImageDataset } from "../src/tasks/classification/dataset.ts";
import { classesOf, gridOfLogits } from "../src/tasks/lanes/labels.ts";
import { writeTargets } from "../src/tasks/lanes/objectives/targets.ts";
import { SLOTS } from "../src/tasks/lanes/slots.ts";

/** Of the weights that every contestant which runs ours starts from. */
export const WEIGHTS_SEED = 1;

/** Noise images with random labels: speed does not depend on what is in them. */
export function noiseSet(network: Network, count: number, seed: number): ImageSet {
  const random = new Random(seed);
  const { channels, height, width } = network.input;
  return {
    count,
    height,
    width,
    pixels: Uint8Array.from({ length: count * channels * height * width }, () => random.below(256)),
    labels: Uint8Array.from({ length: count }, () => random.below(network.classes)),
  };
}

/** A data set of noise, augmented as CIFAR-10 is. */
export function noiseDataset(network: Network, count: number): ImageDataset {
  const train = noiseSet(network, count, 1);
  const empty = noiseSet(network, 0, 1);
  return {
    name: "noise",
    title: "Noise",
    classes: Array.from({ length: network.classes }, (_, i) => `class ${i}`),
    normalization: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
    augmentation: { flip: true, cropPadding: 4 },
    source: "random numbers",
    train,
    cleanVal: empty,
    test: empty,
    dataHash: "",
    completeness: "generated",
  };
}

export interface PreparedBatch {
  images: Float32Array;
  targets: Float32Array;
}

/** The target of one sample, written to `into`. */
export type WriteTargets = (network: Network, random: Random, into: Float32Array) => void;

/** A class drawn at random, as one of so many. */
export const classTargets: WriteTargets = ({ classes }, random, into) => {
  into[random.below(classes)] = 1;
};

/** A class drawn at random for every cell of a frame. */
export const laneTargets: WriteTargets = ({ classes }, random, into) => {
  const grid = gridOfLogits(classes);
  const cells = Uint8Array.from({ length: SLOTS * grid.anchors.length }, () => random.below(classesOf(grid)));
  writeTargets(cells, grid, into, 0);
};

/** Normalised batches, ready to be fed, so that no data loading is timed. */
export function preparedBatches(
  network: Network,
  batch: number,
  count: number,
  write: WriteTargets = classTargets,
): PreparedBatch[] {
  const random = new Random(2);
  const { channels, height, width } = network.input;
  return Array.from({ length: count }, () => {
    const targets = new Float32Array(batch * network.classes);
    const { classes } = network;
    for (let i = 0; i < batch; i++) write(network, random, targets.subarray(i * classes, (i + 1) * classes));
    return { images: Float32Array.from({ length: batch * channels * height * width }, () => random.normal()), targets };
  });
}
