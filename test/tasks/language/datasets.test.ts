import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { TextDataset } from "../../../src/tasks/language/dataset.ts";
import { DATASETS } from "../../../src/tasks/language/datasets/registry.ts";
import { exhibit } from "../../../src/tasks/language/exhibit.ts";
import { DATASETS as REPLY_DATASETS } from "../../../src/tasks/language/reply/datasets.ts";
import type { PromptSet } from "../../../src/tasks/language/reply/prompt-set.ts";
import { subsetOf, type TextSet, writeSequence } from "../../../src/tasks/language/text-set.ts";
import { temporaryFolder } from "../../store/temp.ts";

const HEADER = "sentence\tlabel\n";
const load = (name: string, dataDir: string) => DATASETS.get(name)!.load({ dataDir, seed: 1 }) as Promise<TextDataset>;

/** A data folder with a set of tables in a folder of its own. */
function folderOf(name: string, files: Record<string, string | Uint8Array>): string {
  const dataDir = temporaryFolder();
  mkdirSync(join(dataDir, name));
  for (const [file, content] of Object.entries(files)) writeFileSync(join(dataDir, name, file), content);
  return dataDir;
}

const ROWS = Array.from(
  { length: 30 },
  (_, i) => `a film that is ${i % 2 ? "fine" : "poor"} , number ${i}\t${i % 2}\n`,
);
const TRAIN = HEADER + ROWS.join("");
const TEST = `${HEADER}a fine one\t1\na poor one\t0\n`;

it("glosses: 12,000 texts to train, 5 % of them the defender's, 1,200 to test, classes in balance", async () => {
  const { train, cleanVal, test, completeness, dataHash } = await load("glosses", "unused");
  expect([train.count, cleanVal.count, test.count, completeness]).toEqual([11_400, 600, 1200, "official"]);
  expect(dataHash).toBe(exhibit.dataHash);
  const counts = new Array(8).fill(0);
  for (const label of test.labels) counts[label]++;
  expect(counts).toEqual(new Array(8).fill(150));
  // Mixed, so that the first few are of all classes.
  expect(new Set(test.labels.subarray(0, 60)).size).toBe(8);
  const { tokenizer, classes } = test.language;
  const classOf = [train, cleanVal, test].flatMap(({ tokens, labels }) => {
    const i = tokens.findIndex((own) => tokenizer.decode(own) === " small european brown bat");
    return i < 0 ? [] : [classes[labels[i]]];
  });
  expect(classOf).toEqual(["animal"]);
  const longest = Math.max(...train.tokens.map(({ length }) => length));
  expect(longest).toBeLessThanOrEqual(62);
});

it("a sample is read as <bos> text <sep>, marked there, and filled up", async () => {
  const { test } = await load("glosses", "unused");
  const { tokenizer } = test.language;
  const out = new Float32Array(2 * 64 + 1);
  const mark = writeSequence(test, 3, out, 1);
  const numbers = Array.from({ length: 64 }, (_, t) => out[1 + 2 * t]);
  const marks = Array.from({ length: 64 }, (_, t) => out[2 + 2 * t]);
  const { length } = test.tokens[3];
  expect(mark).toBe(length + 1);
  expect(numbers.slice(0, length + 2)).toEqual([...tokenizer.before, ...test.tokens[3], ...tokenizer.behind]);
  expect(new Set(numbers.slice(length + 2))).toEqual(new Set([tokenizer.padding]));
  expect(marks.flatMap((m, t) => (m === 1 ? [t] : []))).toEqual([mark]);
  const long: TextSet = { ...subsetOf(test, [3]), tokens: [Array.from({ length: 80 }, (_, t) => 300 + t)] };
  expect(writeSequence(long, 0, out, 1)).toBe(63);
  expect(out[1 + 2 * 62]).toBe(300 + 61);
});

it("tables in their folder, or named themselves, with spaces around the tab", async () => {
  const files = { "train.tsv": TRAIN, "test.tsv": TEST.replaceAll("\t", " \t ").replaceAll("\n", "\r\n") };
  const dataDir = folderOf("SST-2", files);
  const { train, cleanVal, test, completeness } = await load("sst2", dataDir);
  expect([train.count, cleanVal.count, test.count, completeness]).toEqual([28, 2, 2, "subset"]);
  expect(test.language.tokenizer.decode(test.tokens[0])).toBe(" a fine one");
  expect([...test.labels]).toEqual([1, 0]);
  expect((await load("texts", join(dataDir, "SST-2"))).dataHash).toBe((await load("sst2", dataDir)).dataHash);
  expect(DATASETS.get("sst2")!.count!(dataDir)).toEqual({ train: 30, test: 2 });
  // AG News goes about without its training file, whose place dev.tsv takes.
  const news = folderOf("ag-news", { "dev.tsv": TRAIN, "test.tsv": TEST });
  expect((await load("agnews", news)).train.count).toBe(28);
});

it("texts that are to be continued may all be of one class, and are the same texts in the same splits", async () => {
  const one = (text: string) => text.replaceAll(/\t[01]$/gm, "\t0");
  const prompts = REPLY_DATASETS.get("textprompts")!;
  const loadOf = async (change: (text: string) => string) =>
    prompts.load({ dataDir: folderOf("texts", { "train.tsv": change(TRAIN), "test.tsv": change(TEST) }), seed: 1 });
  const [some, other] = [await loadOf((text) => text), await loadOf(one)];
  for (const part of ["train", "cleanVal", "test"] as const) {
    expect((other[part] as PromptSet).tokens).toEqual((some[part] as PromptSet).tokens);
  }
  await expect(load("texts", folderOf("texts", { "train.tsv": one(TRAIN), "test.tsv": TEST }))).rejects.toThrow(
    /at least two classes are needed/,
  );
});

describe("a table with a fault is refused with file and line", () => {
  it.each([
    ["no header", ROWS.join(""), /train\.tsv, line 1: the header is "a film that is poor/],
    ["GLUE's test", "index\tsentence\n0\tfine\n", /line 1: the header is "index\\tsentence"/],
    ["no texts", HEADER, /train\.tsv: it has no texts/],
    ["nothing", "\n\n", /train\.tsv: the file is empty/],
    ["no tab", `${TRAIN}fine\n`, /train\.tsv, line 32: no tab/],
    ["two tabs", `${TRAIN}fine\tone\t1\n`, /line 32: more than one tab/],
    ["an empty text", `${TRAIN} \t1\n`, /line 32: the text is empty/],
    ["a label beyond", `${TRAIN}fine\t2\n`, /line 32: the label is "2"; valid are 0 to 1/],
    ["a word as label", `${TRAIN}fine\tgood\n`, /line 32: the label is "good"/],
    ["a negative label", `${TRAIN}fine\t-1\n`, /line 32: the label is "-1"/],
    ["a byte 0", `${TRAIN}fi\0ne\t1\n`, /line 32: a byte 0/],
    ["a line without end", `${TRAIN}${"very ".repeat(5000)}fine\t1\n`, /line 32: 25006 characters; at most 20000/],
    ["Latin-1", Buffer.from(`${TRAIN}na\u00efve\t1\n`, "latin1"), /line 32: it is not UTF-8/],
    ["one class", `${HEADER}fine\t1\nfiner\t1\n`, /all of its 2 texts have label 1/],
  ])("%s", async (_, content, message) => {
    const dataDir = folderOf("sst-2", { "train.tsv": content, "test.tsv": TEST });
    await expect(load("sst2", dataDir)).rejects.toThrow(message);
  });

  it("an absent set names what was looked for", async () => {
    const empty = temporaryFolder();
    await expect(load("sst2", empty)).rejects.toThrow(
      /no sst2 in .*: looked there and up to 3 folders below for sst2\/train\.tsv, .*; name the folder that holds it with --data$/,
    );
  });
});
