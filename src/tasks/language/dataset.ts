import { createHash } from "node:crypto";
import { splitAtRandom } from "../../datasets/split.ts";
import type { Dataset, DatasetDefinition, DatasetInfo } from "../../datasets/types.ts";
import type { LabelledTexts } from "./datasets/tsv.ts";
import { languageOf, spaced, tokenised } from "./language-of.ts";
import { subsetOf, type TextSet } from "./text-set.ts";
import { MERGES } from "./tokenizer/file.ts";
import { type Merge, trainMerges } from "./tokenizer/train.ts";

/** What is fixed about a data set of texts. */
export interface TextDatasetInfo extends DatasetInfo {
  /** Names of the classes, in the order of the labels. */
  classes: readonly string[];
}

export type TextDatasetDefinition = DatasetDefinition & TextDatasetInfo;

export interface TextDataset extends Dataset, TextDatasetInfo {
  train: TextSet;
  cleanVal: TextSet;
  test: TextSet;
}

/** Texts have no pixels: what a data set states of them means nothing here. */
export const NO_PIXELS: Pick<DatasetInfo, "normalization" | "augmentation"> = {
  normalization: { mean: [0, 0, 0], std: [1, 1, 1] },
  augmentation: { flip: false, cropPadding: 0 },
};

/**
 * Puts a loaded data set together. The tokenizer is trained on all texts of `train`.
 *
 * @param merges where the tokenizer's are known already
 */
export function assembleTexts(
  info: TextDatasetInfo,
  loaded: Record<"train" | "test", LabelledTexts>,
  seed: number,
  completeness: Dataset["completeness"],
  merges: readonly Merge[] = trainMerges(loaded.train.texts.map(spaced), MERGES),
): TextDataset {
  const { name, title, classes, normalization, augmentation, source } = info;
  const language = languageOf(merges, classes);
  const train = tokenised(loaded.train, language);
  const split = splitAtRandom(train.count, seed, name);
  return {
    ...{ name, title, classes, normalization, augmentation, source },
    train: subsetOf(train, split.train),
    cleanVal: subsetOf(train, split.cleanVal),
    test: tokenised(loaded.test, language),
    dataHash: textHash(loaded),
    completeness,
  };
}

/** SHA-256 over texts and labels, train before test, each after its count. It does not depend on the split. */
function textHash({ train, test }: Record<"train" | "test", LabelledTexts>): string {
  const hash = createHash("sha256");
  for (const { texts, labels } of [train, test]) {
    hash.update(`${texts.length}\n`);
    for (const [i, text] of texts.entries()) hash.update(`${labels[i]}\t${text}\n`);
  }
  return hash.digest("hex");
}
