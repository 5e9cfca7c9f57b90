import type { ImageSet } from "../../images/image-set.ts";
import type { Dataset, DatasetDefinition, FoundLayout } from "../types.ts";

/** What a data folder holds of a data set. Counts are images. */
export interface DatasetReport {
  name: string;
  completeness: Dataset["completeness"];
  /** How the files are laid out, and in which folder; null where the images are drawn. */
  found: FoundLayout | null;
  classes: number;
  /** The official training images: `train` and `cleanVal` together. */
  officialTrain: number;
  train: number;
  cleanVal: number;
  test: number;
  dataHash: string;
  /** Images of each class, in label order. */
  histogram: { label: string; train: number; cleanVal: number; test: number }[];
}

/**
 * Loads a data set, which reads every record, and says what it found.
 *
 * @throws InputError with the first fault
 */
export async function checkDataset(
  definition: DatasetDefinition,
  dataDir: string,
  seed: number,
): Promise<DatasetReport> {
  const { name, completeness, classes, train, cleanVal, test, dataHash } = await definition.load({ dataDir, seed });
  const [ofTrain, ofCleanVal, ofTest] = [train, cleanVal, test].map((set) => countLabels(set, classes.length));
  return {
    name,
    completeness,
    found: definition.find(dataDir)[0] ?? null,
    classes: classes.length,
    officialTrain: train.count + cleanVal.count,
    train: train.count,
    cleanVal: cleanVal.count,
    test: test.count,
    dataHash,
    histogram: classes.map((label, i) => ({ label, train: ofTrain[i], cleanVal: ofCleanVal[i], test: ofTest[i] })),
  };
}

function countLabels(set: ImageSet, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of set.labels) counts[label]++;
  return counts;
}
