import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
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
  cifar10: {
    ...{ train: 50_000, test: 10_000 },
    count: cifarFiles("cifar-10-batches-bin", /^data_batch_[1-5]\.bin$/, /^test_batch\.bin$/, 3073),
  },
  cifar100: {
    ...{ train: 50_000, test: 10_000 },
    count: cifarFiles("cifar-100-binary", /^train\.bin$/, /^test\.bin$/, 3074),
  },
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

function cifarFiles(folder: string, train: RegExp, test: RegExp, recordBytes: number) {
  return (dataDir: string) => {
    const records = (pattern: RegExp) =>
      namesIn(join(dataDir, folder))
        .filter((file) => pattern.test(file))
        .reduce((sum, file) => sum + Math.floor(statSync(join(dataDir, folder, file)).size / recordBytes), 0);
    return { train: records(train), test: records(test) };
  };
}

/** One line per picture below each annotation file's header. */
function countGtsrb(dataDir: string): { train: number; test: number } {
  const lines = (path: string) => (existsSync(path) ? readFileSync(path, "latin1").trim().split("\n").length - 1 : 0);
  const folder = join(dataDir, "GTSRB/Final_Training/Images");
  const train = namesIn(folder).reduce((sum, name) => sum + lines(join(folder, name, `GT-${name}.csv`)), 0);
  return { train, test: lines(join(dataDir, "GTSRB/Final_Test/GT-final_test.csv")) };
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
