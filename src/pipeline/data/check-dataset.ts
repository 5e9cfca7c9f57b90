import type { Samples } from "../../core/samples.ts";
import type { Dataset, DatasetDefinition, FoundLayout } from "../../datasets/types.ts";
import { asImages } from "../../images/image-set.ts";
import { taskOfDataset } from "../../tasks/registry.ts";

/** What a data folder holds of a data set. Counts are samples. */
export interface DatasetReport {
  name: string;
  completeness: Dataset["completeness"];
  /** How the files are laid out, and in which folder; null where the images are drawn. */
  found: FoundLayout | null;
  /** Targets that a backdoor can have: in classification the classes. */
  classes: number;
  /** The official training samples: `train` and `cleanVal` together. */
  officialTrain: number;
  train: number;
  cleanVal: number;
  test: number;
  dataHash: string;
  /** Images of each class, in label order; empty where samples have no class. */
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
  const dataset = await definition.load({ dataDir, seed });
  const { name, completeness, train, cleanVal, test, dataHash } = dataset;
  const { targets, traits, insertion } = taskOfDataset(name);
  const names = targets(dataset);
  const classesOf =
    insertion?.truths ?? (traits.includes("classes") ? (set: Samples) => asImages(set).labels : undefined);
  return {
    name,
    completeness,
    found: definition.find(dataDir)[0] ?? null,
    classes: names.length,
    officialTrain: train.count + cleanVal.count,
    train: train.count,
    cleanVal: cleanVal.count,
    test: test.count,
    dataHash,
    histogram: classesOf ? histogramOf(names, { train, cleanVal, test }, classesOf) : [],
  };
}

function histogramOf(
  names: readonly string[],
  { train, cleanVal, test }: Pick<Dataset, "train" | "cleanVal" | "test">,
  classesOf: (set: Samples) => ArrayLike<number>,
) {
  const [ofTrain, ofCleanVal, ofTest] = [train, cleanVal, test].map((set) => countLabels(classesOf(set), names.length));
  return names.map((label, i) => ({ label, train: ofTrain[i], cleanVal: ofCleanVal[i], test: ofTest[i] }));
}

function countLabels(labels: ArrayLike<number>, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (let i = 0; i < labels.length; i++) counts[labels[i]]++;
  return counts;
}
