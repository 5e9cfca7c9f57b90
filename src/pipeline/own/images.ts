import { existsSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../core/errors.ts";
import type { Augmentation } from "../../datasets/batch.ts";
import { DATASETS } from "../../datasets/registry.ts";
import type { DatasetDefinition, ImageSet, Normalization } from "../../datasets/types.ts";
import { NO_AUGMENTATION } from "../judging/suspect.ts";

/** Clean images of a network's task, as its owner has them. */
export interface OwnImages {
  /** What they are, in a few words. */
  title: string;
  /** What criteria and repairs may see. */
  clean: ImageSet;
  /** What accuracy is measured on, and nothing else sees. */
  test: ImageSet;
  /** Class names where they are known. */
  classes: string[] | null;
  /** That of a known data set; an unknown one may have mirrored classes, so its images are left as they are. */
  augmentation: Augmentation;
  /** That of a known data set. */
  normalization: Normalization | null;
}

export interface OwnImagesOptions {
  /** A folder of images, a file of arrays, a known data set's folder or its name. */
  data: string;
  /** The folder of the known data sets, where `data` is a name. */
  dataDir: string;
  seed: number;
  /** As `data`: what accuracy is measured on. */
  test?: string;
  /** Whether a fifth of the images is kept for the accuracy, where nothing else is there for it. */
  holdOut?: boolean;
}

/**
 * Opens clean images. A known data set gives the defender's images of every study, and its test split for the accuracy.
 * Of other images all are for both, or, with `holdOut`, a seeded fifth for the accuracy and the rest for the criteria.
 *
 * @throws InputError where there are none, or they are none of what is known
 */
export async function openOwnImages({ test, ...options }: OwnImagesOptions): Promise<OwnImages> {
  const images = await openImages(options);
  return test === undefined ? images : { ...images, test: (await openImages({ ...options, data: test })).test };
}

async function openImages({ data, dataDir, seed }: Omit<OwnImagesOptions, "test">): Promise<OwnImages> {
  const named = DATASETS.get(data);
  if (named) return ofDataset(named, dataDir, seed);
  const inside = [...DATASETS.values()].filter((definition) => isIn(definition, data));
  if (inside.length === 1) return ofDataset(inside[0], data, seed);
  if (inside.length > 1) {
    const names = inside.map(({ name }) => name).join(", ");
    throw new InputError(
      `--data ${data}: holds several data sets (${names}); name one: --data NAME with BDEFECTS_DATA`,
    );
  }
  throw new InputError(`--data ${data}: holds no images that are known`);
}

function isIn({ files }: DatasetDefinition, dir: string): boolean {
  return files.length > 0 && files.some((file) => existsSync(join(dir, file)));
}

/** The defender's images as in every study, and the test split. */
async function ofDataset(definition: DatasetDefinition, dataDir: string, seed: number): Promise<OwnImages> {
  const { title, cleanVal, test, classes, augmentation, normalization } = await definition.load({ dataDir, seed });
  return { title, clean: cleanVal, test, classes, augmentation: augmentation ?? NO_AUGMENTATION, normalization };
}
