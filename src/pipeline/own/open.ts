import { InputError } from "../../core/errors.ts";
import type { Normalization } from "../../images/image-set.ts";
import { createRunner } from "../../measure/ort-runner.ts";
import type { ModelRunner } from "../../measure/runner.ts";
import { taskOf } from "../../tasks/registry.ts";
import { type OwnImages, openOwnImages } from "./images.ts";
import { type OwnModel, openOwnModel } from "./model.ts";
import { findNormalization } from "./normalization.ts";

/** Threads of one inference; no result depends on them. */
const THREADS = 2;

/** Criteria cut images into halves and batches. */
const FEWEST = 16;

/** An accuracy nearer to chance than a tenth of the way to 1 says that something does not fit. */
const NEAR_CHANCE = 0.1;

export interface OpenOwnOptions {
  file: string;
  /** As `openOwnImages` takes it; absent: weights alone are looked at. */
  data?: string;
  /** Where the known data sets lie. */
  dataDir: string;
  /** See `openOwnModel`. */
  key?: string;
  arch?: string;
  classes?: number;
  anyTask?: boolean;
  mean?: readonly number[];
  std?: readonly number[];
  seed: number;
  /** Images to measure accuracy on, as `data`; where they are not given, see `openOwnImages`. */
  test?: string;
  /** Whether images are kept from criteria and repairs, for the accuracy, where none are given for it. */
  holdOut?: boolean;
}

/** A network of one's own with its images, ready to run. */
export interface Own {
  model: OwnModel & { normalization: Normalization };
  images: OwnImages | null;
  runner: ModelRunner;
  /** Where mean and standard deviation are from. */
  normalizationSource: string;
}

/** Opens a file and its images, and closes the runner after the work. */
export async function withOwn<T>(options: OpenOwnOptions, work: (own: Own) => Promise<T>): Promise<T> {
  const { file, data, mean, std } = options;
  const model = await openOwnModel(file, options);
  if (data !== undefined && model.task.name !== taskOf({}).name) {
    const { name, words } = model.task;
    throw new InputError(
      `--data ${data}: ${file} is a network of task ${name}, and ${words.samples} of it are not read; leave --data out: criteria of weights alone run`,
    );
  }
  const images = data === undefined ? null : await openOwnImages({ ...options, data, network: model.network });
  if (images) assertLabels(model, images, data!);
  const known = images?.normalization ?? null;
  const { normalization, source } = findNormalization({ mean, std, known, file, images: images?.all ?? null });
  const runner = await createRunner(model.task, model.network, normalization, { threads: THREADS });
  try {
    return await work({ model: { ...model, normalization }, images, runner, normalizationSource: source });
  } finally {
    await runner.release();
  }
}

function assertLabels({ file, network }: OwnModel, { clean, test, classes }: OwnImages, data: string): void {
  if (classes && classes.length !== network.classes) {
    throw new InputError(`--data ${data}: has ${classes.length} classes, and ${file} has ${network.classes}`);
  }
  for (const { labels } of [clean, test]) {
    const highest = labels.reduce((most, label) => Math.max(most, label), 0);
    if (highest >= network.classes) {
      throw new InputError(
        `--data ${data}: has a label ${highest}, but ${file} has ${network.classes} classes, counted from 0`,
      );
    }
  }
  if (new Set(clean.labels).size < 2) {
    throw new InputError(`--data ${data}: all images are of one class; criteria need several`);
  }
  if (clean.count < FEWEST) {
    throw new InputError(`--data ${data}: ${clean.count} images are too few; criteria need at least ${FEWEST}`);
  }
}

/** Clean accuracy on the images that nothing else sees. */
export async function cleanAccuracy({ model, images, runner }: Own, state = model.state): Promise<number | null> {
  return images && images.test.count > 0 ? runner.quality(state, images.test) : null;
}

/** What an accuracy near chance most likely means; null where it is none. */
export function chanceWarning(ca: number, { network }: OwnModel): string | null {
  const chance = 1 / network.classes;
  if (ca >= chance + NEAR_CHANCE * (1 - chance)) return null;
  return `clean accuracy is ${ca.toFixed(3)}, near chance (${chance.toFixed(3)}): mean and std, the order of the classes or the labels are not the network's, and nothing below means much`;
}
