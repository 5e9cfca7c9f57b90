import type { Dataset, DatasetDefinition, DatasetInfo, LoadOptions } from "../../datasets/types.ts";
import type { ImageSet } from "../../images/image-set.ts";

/** What is fixed about a data set of images of one class each. */
export interface ImageDatasetInfo extends DatasetInfo {
  /** Their names, in the order of their numbers. */
  classes: string[];
}

/** Such a data set, loaded. */
export interface ImageDataset extends ImageDatasetInfo, Dataset {
  train: ImageSet;
  cleanVal: ImageSet;
  test: ImageSet;
}

export interface ImageDatasetDefinition extends ImageDatasetInfo, DatasetDefinition {
  load(options: LoadOptions): Promise<ImageDataset>;
}
