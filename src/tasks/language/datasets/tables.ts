import { join } from "node:path";
import { InputError } from "../../../core/errors.ts";
import { fileBelow, foldersBelow, nearest, onlyPlace } from "../../../datasets/files/locate.ts";
import type { FoundLayout, SplitCounts } from "../../../datasets/types.ts";
import { assembleTexts, NO_PIXELS, type TextDatasetDefinition } from "../dataset.ts";
import { readTsv } from "./tsv.ts";

/** What tells sets of tables apart. */
interface TableSet {
  name: string;
  title: string;
  classes: readonly string[];
  source: string;
  official: SplitCounts;
  /** Names of the folder that holds it; any name where the data folder itself is that folder. */
  folder: RegExp;
  /** The file that trains where `train.tsv` is absent. */
  otherTrain?: string;
  /** Whether all texts may be of one class, since nobody asks for it. */
  oneClass?: boolean;
}

interface Tables extends FoundLayout {
  train: string;
  test: string;
}

/** Sentences of film reviews (Socher et al. 2013), two classes, as papers on backdoors use them. */
export const sst2 = tables({
  name: "sst2",
  title: "SST-2, sentiment of film reviews",
  classes: ["negative", "positive"],
  source:
    "R. Socher et al., Recursive deep models for semantic compositionality over a sentiment treebank, 2013; to be brought by hand",
  official: { train: 6920, test: 1821 },
  folder: /^sst-?2$/i,
});

/** News by topic (Zhang et al. 2015). */
export const agnews = tables({
  name: "agnews",
  title: "AG News, four topics",
  classes: ["world", "sports", "business", "technology"],
  source:
    "X. Zhang et al., Character-level convolutional networks for text classification, 2015; to be brought by hand",
  official: { train: 120_000, test: 7600 },
  folder: /^ag[-_]?(news)?$/i,
  otherTrain: "dev.tsv",
});

const OWN: TableSet = {
  name: "texts",
  title: "Texts of one's own, up to 8 classes",
  classes: Array.from({ length: 8 }, (_, i) => `class${i}`),
  source: "brought by the user",
  official: { train: 0, test: 0 },
  folder: /^texts$/i,
};

/** A table of one's own. It may use fewer classes than there are names. */
export const texts = tables(OWN);

/** The same table for who asks for no class. */
export const textsOfAnyClass = tables({ ...OWN, oneClass: true });

function tables(set: TableSet): TextDatasetDefinition {
  const { name, title, classes, source, official, otherTrain } = set;
  const train = ["train.tsv", ...(otherTrain ? [otherTrain] : [])].join(" or ");
  return {
    ...{ name, title, classes, source, official, ...NO_PIXELS },
    layouts: [`${name}/${train}, with test.tsv, each with the header sentence<TAB>label`],
    downloads: [],
    otherArchives: [],
    count(dataDir) {
      const places = find(set, dataDir);
      if (places.length !== 1) return { train: 0, test: 0 };
      const [at] = places;
      return {
        train: readTsv(at.train, classes.length).texts.length,
        test: readTsv(at.test, classes.length).texts.length,
      };
    },
    find: (dataDir) => find(set, dataDir),
    holdsPart: (folder) => fileBelow(folder, "train.tsv") !== null,
    async load({ dataDir, seed }) {
      const at = onlyPlace(this, dataDir, find(set, dataDir));
      const loaded = { train: readTsv(at.train, classes.length), test: readTsv(at.test, classes.length) };
      for (const [file, { labels }] of [
        [at.train, loaded.train],
        [at.test, loaded.test],
      ] as const) {
        if (!set.oneClass && labels.every((label) => label === labels[0]))
          throw new InputError(
            `${file}: all of its ${labels.length} texts have label ${labels[0]}; at least two classes are needed`,
          );
      }
      const isWhole = loaded.train.texts.length === official.train && loaded.test.texts.length === official.test;
      return assembleTexts(this, loaded, seed, isWhole ? "official" : "subset");
    },
  };
}

function find({ folder: named, otherTrain }: TableSet, dataDir: string): Tables[] {
  const places = foldersBelow(dataDir).flatMap(({ folder, depth }) => {
    const isNamed = named.test(folder.split(/[\\/]/).at(-1)!);
    const files = ["train.tsv", ...(otherTrain ? [otherTrain] : [])].map((file) => fileBelow(folder, file));
    const train = files.find((file) => file !== null);
    const test = fileBelow(folder, "test.tsv");
    if (!train || !test || (depth > 0 && !isNamed)) return [];
    const place: Tables = { layout: "tables", folder: join(folder), train, test };
    return [{ rank: [isNamed ? 0 : 1, depth], place }];
  });
  return nearest(places);
}
