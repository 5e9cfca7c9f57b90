import { readFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";
import { Random } from "../../../core/random.ts";
import { assembleTexts, NO_PIXELS, type TextDatasetDefinition } from "../dataset.ts";
import type { Merge } from "../tokenizer/train.ts";
import type { LabelledTexts } from "./tsv.ts";

const FOLDER = new URL("../../../../data/glosses/", import.meta.url);
/** The texts come class after class; one fixed order mixes them, whatever the user's seed. */
const ORDER_SEED = 1;

/** Definitions of English nouns (WordNet 3.1): the class is the kind of thing that a noun names. They come with the program. */
export const glosses: TextDatasetDefinition = {
  name: "glosses",
  title: "Glosses of nouns, 8 classes",
  classes: ["animal", "artifact", "communication", "food", "person", "plant", "state", "act"],
  ...NO_PIXELS,
  source: "WordNet 3.1 (Princeton University), made by scripts/glosses.ts",
  official: { train: 12_000, test: 1200 },
  layouts: [],
  downloads: [],
  otherArchives: [],
  find: () => [],
  holdsPart: () => false,
  async load({ seed }) {
    return assembleTexts(this, readGlosses(), seed, "official", glossMerges());
  },
};

/** All texts. */
export function readGlosses(): Record<"train" | "test", LabelledTexts> {
  const packed = readFileSync(new URL("glosses.tsv.br", FOLDER));
  const rows = brotliDecompressSync(packed).toString("latin1").trimEnd().split("\n");
  const of = (split: string): LabelledTexts => {
    const own = rows.map((row) => row.split("\t")).filter(([name]) => name === split);
    const mixed = Array.from(new Random(ORDER_SEED).permutation(own.length), (i) => own[i]);
    return { texts: mixed.map(([, , text]) => text), labels: Uint8Array.from(mixed, ([, label]) => Number(label)) };
  };
  return { train: of("train"), test: of("test") };
}

/** The tokenizer's merges, which training on the texts gives again. */
export function glossMerges(): Merge[] {
  const lines = readFileSync(new URL("merges.txt", FOLDER), "utf8").trimEnd().split("\n");
  return lines.map((line) => line.split(" ") as [string, string]);
}
