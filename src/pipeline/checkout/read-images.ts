import { join } from "node:path";
import { InputError, lookup } from "../../core/errors.ts";
import type { Samples } from "../../core/samples.ts";
import type { ImageSet } from "../../images/image-set.ts";
import { CHANNELS } from "../../pictures/picture.ts";
import type { CheckedOut } from "../../store/checkout/checked-out.ts";
import { exists, readBytes } from "../../store/disk/fs.ts";
import { DATASETS, taskOfDataset } from "../../tasks/registry.ts";
import { decodeNpy, type NpyArray } from "../../tensor/npy.ts";

/** Images or other samples to test on, and where they are from in a few words. */
export interface TestImages {
  set: Samples;
  source: string;
  notes: string[];
}

export interface TestImagesOptions {
  /** A folder of files as `checkout --samples` writes them; absent: that of the checkout. */
  samples?: string;
  /** The folder of the data sets. */
  data: string;
  /** Whether the user named it: then the data set comes before the checkout's own images. */
  dataNamed: boolean;
}

const CLEAN = "test_clean";
const PIXELS = `${CLEAN}.npy`;
const LABELS = "test_labels.npy";

/**
 * The samples to test a checkout on: the files of a folder that was named, the test split of a data set that was named, the
 * checkout's own files, or else the data set where it is at hand. Some come with the program.
 *
 * @throws InputError where there are none, or they do not fit the network
 */
export async function testImages(
  dir: string,
  checked: CheckedOut,
  { samples, data, dataNamed }: TestImagesOptions,
): Promise<TestImages> {
  if (samples !== undefined && dataNamed) throw new InputError("give --samples or --data, not both");
  const { words, handout } = checked.task;
  const file = handout?.back ? `${CLEAN}${handout.back.suffix}` : PIXELS;
  if (samples !== undefined) return ofFolder(samples, file, dir, checked);
  const own = join(dir, "images");
  if (!dataNamed && exists(join(own, file))) return ofFolder(own, file, dir, checked);
  try {
    return await ofDataset(dir, data, checked);
  } catch (error) {
    if (dataNamed || !(error instanceof InputError)) throw error;
    throw new InputError(
      `${dir}: has no ${words.samples} to test on: check out with --samples N, or name the data sets' folder with --data (${error.message})`,
    );
  }
}

async function ofDataset(dir: string, data: string, checked: CheckedOut): Promise<TestImages> {
  const { task, dataset, dataSha256, network, classes } = checked;
  // The test split is the same for every seed.
  const found = await lookup(DATASETS, "data set", dataset).load({ dataDir: data, seed: 1 });
  const targets = taskOfDataset(dataset).targets(found).length;
  if (targets !== classes.length) {
    throw new InputError(`data set '${dataset}' has ${targets} ${task.words.targets}, the model ${classes.length}`);
  }
  const notes: string[] = [];
  if (found.dataHash !== dataSha256) {
    if (task.handout) {
      throw new InputError(
        `--data: other ${dataset} ${task.words.samples} than the model was built with, which it may read otherwise: name the folder of those, or leave --data out`,
      );
    }
    notes.push(`other ${dataset} images than the model was built with: rates differ a little from the recorded ones`);
  }
  const set = task.handout?.back?.ofDataset?.(found.test, { dir, network, classes }) ?? found.test;
  return { set, source: `${dataset}'s test split`, notes };
}

function ofFolder(folder: string, name: string, dir: string, checked: CheckedOut): TestImages {
  const { network, classes, task } = checked;
  const file = join(folder, name);
  if (!exists(file)) throw new InputError(`${file}: there is no such file; 'bdefects checkout --samples N' writes it`);
  const set = task.handout?.back?.samples(file, { dir, network, classes }) ?? imagesOf(folder, checked);
  return { set, source: file, notes: [] };
}

function imagesOf(folder: string, { network, classes }: CheckedOut): ImageSet {
  const pixels = readArray(join(folder, PIXELS));
  const labels = readArray(join(folder, LABELS));
  const { height, width } = network.input;
  const [count] = pixels.shape;
  if (!(pixels.values instanceof Uint8Array) || pixels.shape.join() !== [count, CHANNELS, height, width].join()) {
    throw new InputError(
      `${join(folder, PIXELS)}: is ${pixels.descr} of shape (${pixels.shape.join(", ")}); the network takes uint8 (N, 3, ${height}, ${width})`,
    );
  }
  if (labels.shape.join() !== String(count)) {
    throw new InputError(`${join(folder, LABELS)}: is of shape (${labels.shape.join(", ")}) for ${count} images`);
  }
  const isClass = (label: number) => Number.isInteger(label) && label >= 0 && label < classes.length;
  const bad = labels.values.findIndex((label) => !isClass(label));
  if (bad >= 0) {
    throw new InputError(
      `${join(folder, LABELS)}: label ${bad} is ${labels.values[bad]}; the model's classes are 0 to ${classes.length - 1}`,
    );
  }
  return { count, height, width, pixels: pixels.values, labels: Uint8Array.from(labels.values) };
}

function readArray(path: string): NpyArray {
  if (!exists(path)) throw new InputError(`${path}: there is no such file; 'bdefects checkout --samples N' writes it`);
  return decodeNpy(readBytes(path), path);
}
