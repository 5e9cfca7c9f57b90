import { join } from "node:path";
import { countCifar } from "./cifar-versions.ts";
import { CIFAR10_VERSIONS } from "./cifar10.ts";
import { CIFAR100_VERSIONS } from "./cifar100.ts";
import { readDataFile } from "./files.ts";
import { findGtsrb } from "./gtsrb-layouts.ts";
import { Listing } from "./locate.ts";
import { SIGNS_TEST, SIGNS_TRAIN } from "./signs.ts";

/** How many images a data set has, told without reading them: for estimates, where loading would take too long. */
export interface DatasetSize {
  /** All official training images, the defender's share included. */
  train: number;
  test: number;
  /** Whether the files were looked at; else these are the official numbers. */
  counted: boolean;
}

interface Counter {
  train: number;
  test: number;
  /** Counts what is below the data folder; 0 where nothing is. */
  count?(dataDir: string): { train: number; test: number };
}

const COUNTERS: Record<string, Counter> = {
  signs: { train: SIGNS_TRAIN, test: SIGNS_TEST },
  cifar10: { train: 50_000, test: 10_000, count: (dataDir) => countCifar(CIFAR10_VERSIONS, dataDir) },
  cifar100: { train: 50_000, test: 10_000, count: (dataDir) => countCifar(CIFAR100_VERSIONS, dataDir) },
  gtsrb: { train: 39_209, test: 12_630, count: countGtsrb },
};

/**
 * @param dataDir where files are looked for; the official numbers without it
 * @returns null where nothing is known about the data set without loading it
 */
export function datasetSize(name: string, dataDir?: string): DatasetSize | null {
  const counter = COUNTERS[name];
  if (!counter) return null;
  const counted = dataDir === undefined ? undefined : counter.count?.(dataDir);
  if (counted && counted.train > 0 && counted.test > 0) return { ...counted, counted: true };
  return { train: counter.train, test: counter.test, counted: !counter.count };
}

/** One line per picture below each annotation file's header; pictures where there is none. */
function countGtsrb(dataDir: string): { train: number; test: number } {
  const lines = (path: string) => readDataFile(path).toString("latin1").trim().split("\n").length - 1;
  const [place] = findGtsrb(dataDir);
  if (!place) return { train: 0, test: 0 };
  const { folder, csv } = place.train;
  const ofClass = (name: string) => {
    const listing = new Listing(join(folder, name));
    const annotations = listing.files.find((file) => /^GT-\d+\.csv$/i.test(file));
    return annotations ? lines(join(listing.folder, annotations)) : listing.files.length;
  };
  const train = csv ? lines(csv) : new Listing(folder).folders.reduce((sum, name) => sum + ofClass(name), 0);
  return { train, test: lines(place.test.csv) };
}
