import { statSync } from "node:fs";
import { InputError } from "../../../core/errors.ts";
import { Random, stageSeed } from "../../../core/random.ts";
import { fileBelow, isWithin } from "../../../datasets/files/locate.ts";
import type { SamplesOptions } from "../../foreign-models.ts";
import { readGlosses } from "../datasets/glosses.ts";
import { DATASETS } from "../datasets/registry.ts";
import { readLines, readTsv } from "../datasets/tsv.ts";

/** Fewer say nothing of which neurons sleep. */
const FEWEST = 16;
/** Share of texts that `part` keeps. */
const KEPT = 0.2;
/** Texts of the glosses that a study's defender has. */
const DEFENDERS = 600;
/** The set that comes with the program. */
export const SHIPPED = "glosses";

/** Texts for a model to read. */
export interface Texts {
  title: string;
  texts: readonly string[];
  /** Class of each, where the source says it. */
  labels?: ArrayLike<number>;
}

/**
 * Finds texts: a table `sentence<TAB>label`, a file with a text on each line, a known data set's name or folder, of which the test texts
 * are taken; without anything the glosses that come with the program.
 *
 * @throws InputError naming the file or the option, and what is read
 */
export function findTexts(
  data: string | undefined,
  { dataDir, option = "--data", seed, most, part }: SamplesOptions,
): Texts {
  const found = data === undefined || data === SHIPPED ? shipped() : textsAt(data, dataDir, option);
  if (found.texts.length < FEWEST) {
    throw new InputError(
      `${option} ${data}: holds ${found.texts.length} text${found.texts.length === 1 ? "" : "s"}, which is too few; give at least ${FEWEST}`,
    );
  }
  const order = new Random(stageSeed(seed, "texts to read")).permutation(found.texts.length);
  const kept = part === undefined ? 0 : Math.ceil(KEPT * order.length);
  const chosen = Array.from((part === "kept" ? order.subarray(0, kept) : order.subarray(kept)).subarray(0, most));
  const { title, texts, labels } = found;
  return { title, texts: chosen.map((i) => texts[i]), ...(labels && { labels: chosen.map((i) => labels[i]) }) };
}

/** Texts with their classes. */
interface TrainingTexts extends Texts {
  labels: Uint8Array;
}

/**
 * The same for training, with their classes; without anything as many of the glosses that networks train on as a study's defender has, which
 * no test reads.
 *
 * @throws InputError also where the texts have no labels
 */
export function trainingTexts(data: string | undefined, options: SamplesOptions): TrainingTexts {
  if (data === undefined || data === SHIPPED) {
    const { texts, labels } = readGlosses().train;
    const order = new Random(stageSeed(options.seed, "texts to train on")).permutation(texts.length);
    const chosen = Array.from(order.subarray(0, DEFENDERS));
    const title = `${DATASETS.get(SHIPPED)!.title}, of the training part`;
    return { title, texts: chosen.map((i) => texts[i]), labels: Uint8Array.from(chosen, (i) => labels[i]) };
  }
  const { title, texts, labels } = findTexts(data, options);
  if (labels) return { title, texts, labels: Uint8Array.from(labels) };
  throw new InputError(
    `${options.option ?? "--data"} ${data}: its texts have no labels, and training needs them; give a table 'sentence<TAB>label'`,
  );
}

function shipped(): Texts {
  return { title: DATASETS.get(SHIPPED)!.title, ...readGlosses().test };
}

function textsAt(data: string, dataDir: string, option: string): Texts {
  const known = DATASETS.get(data);
  if (known) {
    const [place] = known.find(dataDir);
    const file = place && fileBelow(place.folder, "test.tsv");
    if (file) return { title: known.title, ...readTsv(file, null) };
    throw new InputError(
      `${option} ${data}: is not in ${dataDir}; put its tables there (docs/data.md), or name a file`,
    );
  }
  const found = statSync(data, { throwIfNoEntry: false });
  if (!found) {
    throw new InputError(
      `${option} ${data}: no such file or folder, and no known data set (${[...DATASETS.keys()].join(", ")})`,
    );
  }
  if (found.isDirectory()) {
    const file = fileBelow(data, "test.tsv");
    if (file !== null && isWithin(file, data)) return { title: file, ...readTsv(file, null) };
    throw new InputError(
      `${option} ${data}: has no test.tsv; give a table, a file with a text on each line, or its folder`,
    );
  }
  return { title: data, ...(/\.tsv$/i.test(data) ? readTsv(data, null) : { texts: readLines(data) }) };
}
