import { createHash } from "node:crypto";
import type { Split } from "../../../../datasets/split.ts";
import { subset } from "../../../../images/batch.ts";
import type { ImageSet } from "../../../../images/image-set.ts";
import type { ImageDataset, ImageDatasetInfo } from "../../dataset.ts";

/**
 * SHA-256 over the official images and labels as loaded, train before test, each after its count and size. It does not
 * depend on the split or on which files held the images.
 */
export function dataHash(train: ImageSet, test: ImageSet): string {
  const hash = createHash("sha256");
  for (const { count, height, width, pixels, labels } of [train, test]) {
    hash.update(`${count}x${height}x${width}\n`).update(pixels).update(labels);
  }
  return hash.digest("hex");
}

/** Puts a loaded data set together: the fixed facts, the three splits and the hash. */
export function assembleDataset(
  info: ImageDatasetInfo,
  officialTrain: ImageSet,
  test: ImageSet,
  split: Split,
  completeness: ImageDataset["completeness"],
): ImageDataset {
  const { name, title, classes, normalization, augmentation, source } = info;
  return {
    name,
    title,
    classes,
    normalization,
    augmentation,
    source,
    train: subset(officialTrain, split.train),
    cleanVal: subset(officialTrain, split.cleanVal),
    test,
    dataHash: dataHash(officialTrain, test),
    completeness,
  };
}
