import { existsSync, statSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { InputError } from "../../core/errors.ts";
import { Random, stageSeed } from "../../core/random.ts";
import { isWithin } from "../../datasets/files/locate.ts";
import type { Network } from "../../graph/network.ts";
import { type Augmentation, subset } from "../../images/batch.ts";
import type { ImageSet, Normalization } from "../../images/image-set.ts";
import type { ImageDatasetDefinition } from "../../tasks/classification/dataset.ts";
import { readClassFolders } from "../../tasks/classification/datasets/files/class-folders.ts";
import { DATASETS } from "../../tasks/classification/datasets/registry.ts";
import { NO_AUGMENTATION } from "../judging/suspect.ts";
import { readArrays } from "./arrays.ts";

/** Clean images of a network's task, as its owner has them. */
export interface OwnImages {
  /** What they are, in a few words. */
  title: string;
  /** What criteria and repairs may see. */
  clean: ImageSet;
  /** What accuracy is measured on. */
  test: ImageSet;
  /** Those that mean and std are computed from where nothing states them: all of `data`, whatever is held out of it. */
  all: ImageSet;
  /** Class names where they are known. */
  classes: string[] | null;
  /** That of a known data set; an unknown one may have mirrored classes, so its images are left as they are. */
  augmentation: Augmentation;
  /** That of a known data set. */
  normalization: Normalization | null;
  /** What was done to them, a line each. */
  notes: string[];
}

export interface OwnImagesOptions {
  /** A folder of class folders, arrays, a checkout's images, a known data set's folder or its name. */
  data: string;
  /** The folder of the known data sets, where `data` is a name. */
  dataDir: string;
  /** Whose task they are of. */
  network: Pick<Network, "input" | "classes">;
  seed: number;
  /** As `data`: what accuracy is measured on. */
  test?: string;
  /** Whether a fifth of the images is kept for the accuracy, where nothing else is there for it. */
  holdOut?: boolean;
}

/** Share of images that `holdOut` keeps. */
const HELD_OUT = 0.2;

/** What `checkout --samples` writes: a defender's images, and those for scores. */
const CHECKED_OUT = { clean: "defender_clean.npy", test: "test_clean.npy" };

/**
 * Opens clean images. A known data set gives the defender's images of every study, and its test split for the accuracy.
 * Of other images all are for both, or, with `holdOut`, a seeded fifth for the accuracy and the rest for the criteria.
 *
 * @throws InputError where there are none, or they do not fit the network
 */
export async function openOwnImages({ test, ...options }: OwnImagesOptions): Promise<OwnImages> {
  const images = await openImages({ ...options, holdOut: options.holdOut === true && test === undefined });
  if (test === undefined) return images;
  const measured = await openImages({ ...options, data: test, holdOut: false });
  return { ...images, test: measured.test, notes: [...images.notes, ...measured.notes] };
}

async function openImages(options: Omit<OwnImagesOptions, "test">): Promise<OwnImages> {
  const { data, dataDir, seed, network } = options;
  const named = DATASETS.get(data);
  if (named && !existsSync(data)) return ofDataset(named, dataDir, seed);
  const found = statSync(data, { throwIfNoEntry: false });
  if (!found) {
    const names = [...DATASETS.keys()].join(", ");
    throw new InputError(`--data ${data}: no such file or folder, and no known data set (${names})`);
  }
  const side = network.input.height;
  const arrays = (path: string) => readArrays(path, side, network.classes);
  if (found.isFile()) {
    if (/\.(npy|npz)$/i.test(data)) return ofOwn(data, { ...(await arrays(data)), names: null }, options);
    throw new InputError(`--data ${data}: give a folder of class folders, a .npy or .npz, or a known data set`);
  }
  const known = knownIn(data, network.classes);
  if (known) return ofDataset(known, data, seed);
  if (existsSync(join(data, CHECKED_OUT.clean))) {
    const clean = await arrays(join(data, CHECKED_OUT.clean));
    const test = join(data, CHECKED_OUT.test);
    const images = ofOwn(data, { ...clean, names: null }, { ...options, holdOut: false });
    return existsSync(test) ? { ...images, test: (await arrays(test)).set } : images;
  }
  return ofOwn(data, readClassFolders(data, side, network.classes), options);
}

/**
 * The known data set that a folder holds, or is, in any of its layouts; of several the one with as many classes as the network.
 * One above the folder does not count: a folder of class folders means its own pictures. Nor does one that lies deeper than
 * torchvision puts it: a folder of work may hold a data set somewhere.
 *
 * @throws InputError where several have, or none
 */
function knownIn(dir: string, classes: number): ImageDatasetDefinition | null {
  const inside = [...DATASETS.values()].filter(({ find }) => find(dir).some(({ folder }) => isItsFolder(dir, folder)));
  const fitting = inside.length > 1 ? inside.filter((definition) => definition.classes.length === classes) : inside;
  if (fitting.length === 1) return fitting[0];
  if (inside.length === 0) return null;
  const names = inside.map(({ name }) => name).join(", ");
  throw new InputError(`--data ${dir}: holds several data sets (${names}); give one's name, and this as BDEFECTS_DATA`);
}

function isItsFolder(dir: string, folder: string): boolean {
  if (!isWithin(folder, dir)) return false;
  const way = relative(dir, folder).toLowerCase().split(sep);
  return way.length === 1 || way.join("/") === "gtsrb/gtsrb";
}

/** The defender's images as in every study, and the test split. */
async function ofDataset(definition: ImageDatasetDefinition, dataDir: string, seed: number): Promise<OwnImages> {
  const { title, cleanVal, test, classes, augmentation, normalization } = await definition.load({ dataDir, seed });
  return { title, clean: cleanVal, test, all: cleanVal, classes, augmentation, normalization, notes: [] };
}

function ofOwn(
  title: string,
  { set, names, notes }: { set: ImageSet; names: string[] | null; notes: string[] },
  { seed, holdOut }: Pick<OwnImagesOptions, "seed" | "holdOut">,
): OwnImages {
  const facts = { title, all: set, classes: names, augmentation: NO_AUGMENTATION, normalization: null, notes };
  if (!holdOut) return { ...facts, clean: set, test: set };
  const order = new Random(stageSeed(seed, "images held out")).permutation(set.count);
  const held = Math.round(HELD_OUT * set.count);
  return { ...facts, clean: subset(set, order.subarray(held)), test: subset(set, order.subarray(0, held)) };
}
