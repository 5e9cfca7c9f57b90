import { statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { InputError } from "../../../../core/errors.ts";
import { type Candidate, foldersBelow, type Listing, nearest, onlyPlace } from "../../../../datasets/files/locate.ts";
import { splitAtRandom } from "../../../../datasets/split.ts";
import type { FoundLayout, LoadOptions } from "../../../../datasets/types.ts";
import type { ImageSet } from "../../../../images/image-set.ts";
import type { ImageDataset, ImageDatasetDefinition } from "../../dataset.ts";
import { assembleDataset } from "../splits/assemble.ts";
import { type CifarLayout, checkClassNames } from "./binary.ts";

/** One of the forms in which a CIFAR is published. */
export interface CifarVersion {
  layout: string;
  /** Its folder's name, as published. */
  folder: string;
  /** Training files, of which some may be missing; the test file; the class names, which may be missing. */
  train: string[];
  test: string;
  names: string;
  /** The files' names say nothing by themselves: a folder of another name must hold the class names too. */
  needsNames: boolean;
  /** Tools that cut a version down write some of the names only. */
  mayNameSome: boolean;
  /** Bytes of a record in the file, for estimates. */
  recordBytes: number;
  read(paths: readonly string[], layout: CifarLayout): ImageSet;
  readNames(path: string): string[];
}

interface CifarPlace extends FoundLayout {
  version: CifarVersion;
  train: string[];
  test: string;
  names: string | null;
}

const OFFICIAL = { train: 50_000, test: 10_000 };

/** What is looked for, for messages. */
export function describeVersions(versions: readonly CifarVersion[]): string[] {
  return versions.map(({ folder, layout, train, test }) => `${folder}/ (${layout}: ${train[0]}, ${test})`);
}

/** Where whole versions lie, nearest first; of two in one folder the first of the list. */
export function findCifar(versions: readonly CifarVersion[], dataDir: string): CifarPlace[] {
  return nearest(candidatesOf(versions, foldersBelow(dataDir)));
}

function candidatesOf(versions: readonly CifarVersion[], listings: readonly Listing[]): Candidate<CifarPlace>[] {
  return listings.flatMap((listing) =>
    versions.flatMap((version, i): Candidate<CifarPlace>[] => {
      const train = version.train.map((name) => listing.file(name)).filter((path) => path !== null);
      const lacking = version.train.filter((name) => !listing.file(name));
      const test = listing.file(version.test);
      const names = listing.file(version.names);
      const official = isOfficial(listing, version);
      if (train.length === 0 || !test || (!official && version.needsNames && !names)) return [];
      const { folder, depth } = listing;
      // The folder that the archive makes is taken before the data folder itself.
      const near = official && depth === 1 ? -1 : depth;
      return [
        {
          rank: [near, official ? 0 : 1, i],
          place: { layout: version.layout, folder, lacking, version, train, test, names },
        },
      ];
    }),
  );
}

function isOfficial({ folder }: Listing, version: CifarVersion): boolean {
  return basename(resolve(folder)).toLowerCase() === version.folder;
}

/**
 * Loads a CIFAR in whichever version is there, any record count.
 *
 * @throws InputError naming what is missing, or the file and the first fault
 */
export function loadCifar(
  definition: ImageDatasetDefinition,
  versions: readonly CifarVersion[],
  layout: CifarLayout,
  { dataDir, seed }: LoadOptions,
): ImageDataset {
  const { name, classes } = definition;
  const listings = foldersBelow(dataDir);
  const places = nearest(candidatesOf(versions, listings));
  if (places.length === 0) throwIfPartial(name, versions, listings);
  const place = onlyPlace(definition, dataDir, places);
  const { version } = place;
  if (place.names) {
    const names = version.readNames(place.names);
    checkClassNames(place.names, names, version.mayNameSome ? classes.slice(0, names.length) : classes);
  }
  const train = version.read(place.train, layout);
  const test = version.read([place.test], layout);
  const whole = train.count === OFFICIAL.train && test.count === OFFICIAL.test;
  const split = splitAtRandom(train.count, seed, name);
  return assembleDataset(definition, train, test, split, whole ? "official" : "subset");
}

/** @throws InputError where a folder is a version's by its name and lacks a file */
function throwIfPartial(name: string, versions: readonly CifarVersion[], listings: readonly Listing[]): void {
  for (const listing of listings) {
    for (const version of versions) {
      const hasTrain = version.train.some((file) => listing.file(file));
      const isPart = hasTrain || listing.file(version.test) !== null;
      if (!isOfficial(listing, version) && (version.needsNames || !isPart)) continue;
      const lacking = join(listing.folder, hasTrain ? version.test : version.train[0]);
      throw new InputError(
        `no ${lacking}, which the ${version.layout} of ${name} has; bring it back, or remove ${listing.folder} and run 'bdefects data fetch ${name}'`,
      );
    }
  }
}

/** How many images there are, told by the files' sizes; 0 where none are found. */
export function countCifar(versions: readonly CifarVersion[], dataDir: string): { train: number; test: number } {
  const [place] = findCifar(versions, dataDir);
  if (!place) return { train: 0, test: 0 };
  const records = (path: string) => Math.round(statSync(path).size / place.version.recordBytes);
  return { train: place.train.reduce((sum, path) => sum + records(path), 0), test: records(place.test) };
}
