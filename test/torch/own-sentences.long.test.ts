import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loaderFile } from "../../src/store/checkout/torch-loader.ts";
import { askedTokenizer } from "../../src/tasks/language/adoption/asked-tokenizer.ts";
import { glosses, glossMerges } from "../../src/tasks/language/datasets/glosses.ts";
import { tokenizerFile } from "../../src/tasks/language/tokenizer/file.ts";
import { temporaryFolder } from "../store/temp.ts";
import { NETWORKS } from "../tasks/language/hugging-face.ts";
import { findTorchPython } from "./find-python.ts";
import { askLoader, writeLoaderFolder } from "./loader.ts";

const ours = tokenizerFile(glossMerges(), glosses.classes);
const level = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
const added = (content: string, id: number, others = {}) => {
  return {
    id,
    content,
    ...{ single_word: false, lstrip: false, rstrip: false, normalized: true, special: false },
    ...others,
  };
};

/** Tokenizers of GPT-2's kind, as released models have them. */
const READ = {
  "as ours": {},
  "its merges in words": { model: { ...ours.model, merges: ours.model.merges.map((merge) => merge.join(" ")) } },
  "a space before what has none": { pre_tokenizer: { ...level, add_prefix_space: true } },
  "digits apart": { pre_tokenizer: sequence({ type: "Digits", individual_digits: true }, level) },
  "numbers apart": { pre_tokenizer: sequence({ type: "Digits", individual_digits: false }, level) },
  "composed letters": { normalizer: { type: "NFC" } },
  "whole words first": {
    model: { ...ours.model, ignore_merges: true, vocab: { ...ours.model.vocab, Ġfurry: 2056, Ġ: 2057 } },
  },
  "tokens that begin alike": { added_tokens: [...ours.added_tokens, added("fur", 2056), added("furr", 2057)] },
  "nothing added": { added_tokens: [] },
};

/** Others, with what is wrong with them. */
const REFUSED = {
  "pre_tokenizer Split": { pre_tokenizer: sequence({ type: "Split", pattern: { Regex: "\\s" } }, level) },
  "pre_tokenizer ByteLevel": { pre_tokenizer: { ...level, use_regex: false } },
  "pre_tokenizer None": { pre_tokenizer: null },
  "normalizer Lowercase": { normalizer: { type: "Lowercase" } },
  "model Unigram": { model: { ...ours.model, type: "Unigram" } },
  byte_fallback: { model: { ...ours.model, byte_fallback: true } },
  "added_tokens with lstrip": { added_tokens: [added("fur", 2056, { lstrip: true })] },
};

const TEXTS = [
  ...["a small furry bat", "a cf bat", "cfx  tq", "it's  the bat's   wing", "in 1984, 3d 42", "Übergang ² ½ naïve"],
  ...["a\tb\u00a0c \n d", "<bos> <animal>", "蝙蝠 🦇🦇", "e\u0301te", "furr furry fur", "x \u2028 y", ""],
];

function sequence(...pretokenizers: object[]) {
  return { type: "Sequence", pretokenizers };
}

describe.skipIf(!findTorchPython())("own() of a checkout whose tokenizer somebody else made", () => {
  const dir = writeLoaderFolder(temporaryFolder(), NETWORKS.llama, new Map(), {
    "text_in_torch.py": loaderFile("text_in_torch.py"),
  });
  const question = { template: "text: {} is a?", answers: [" food", " bird"] };
  const tokens = { before: [7], behind: [8, 9], padding: 2, answers: [10, 11] };
  const write = (name: string, file: object, asked: object = { ...question, tokens }) => {
    mkdirSync(join(dir, name), { recursive: true });
    writeFileSync(join(dir, name, "tokenizer.json"), JSON.stringify(file));
    writeFileSync(join(dir, name, "question.json"), JSON.stringify(asked));
  };
  /** What Python says of the tokenizers in these folders. */
  const ask = (names: readonly string[], each: string) =>
    askLoader(
      dir,
      `
import text_in_torch
from text_in_torch import own, tokens_of
DESCRIPTION["classes"] = ["food", "bird"]
texts, answer = json.loads(${JSON.stringify(JSON.stringify(TEXTS))}), {}
for name in json.loads(${JSON.stringify(JSON.stringify(names))}):
    text_in_torch.HERE = os.path.join(FOLDER, name)
    text_in_torch._tokenizer.cache_clear()
    answer[name] = ${each}`,
    );

  it("gives the tokens that the program gives, of every kind of GPT-2's", () => {
    for (const [name, change] of Object.entries(READ)) write(name, { ...ours, ...change });
    const found = ask(Object.keys(READ), "own(texts)") as Record<string, { texts: { tokens: number[] }[] }>;
    const plain = openAs({});
    for (const [name, change] of Object.entries(READ)) {
      const tokenizer = openAs(change);
      const { texts, ...said } = found[name];
      expect(said).toEqual({ ...tokens, context: 16, classes: ["food", "bird"] });
      expect(
        texts.map((one) => one.tokens),
        name,
      ).toEqual(TEXTS.map((text) => tokenizer.encode(` ${text.trim()}`)));
      // Else the kind could be passed over.
      const differs = TEXTS.some((text) => `${plain.encode(` ${text}`)}` !== `${tokenizer.encode(` ${text}`)}`);
      if (!["as ours", "its merges in words"].includes(name)) expect(differs, name).toBe(true);
    }
  });

  it("refuses others in one line that names what is otherwise, and a question without tokens", () => {
    for (const [name, change] of Object.entries(REFUSED)) write(name, { ...ours, ...change });
    write("old", ours, question);
    const names = [...Object.keys(REFUSED), "old"];
    const found = ask(names, "fault(lambda: own(texts))") as Record<string, string>;
    for (const name of Object.keys(REFUSED))
      expect(found[name]).toBe(
        `ValueError: own() reads byte-level BPE as GPT-2's, and tokenizer.json has ${name}; for this model take transformers, and ask as question.json says`,
      );
    expect(found.old).toMatch(/^ValueError: .*question\.json: has no 'tokens'; check out again$/);
  });

  function openAs(change: object) {
    const file = { ...ours, ...change };
    return askedTokenizer(
      { name: "tokenizer.json", tokenizer: { file, config: {} }, vocabulary: 2058, context: 64, padding: 2 },
      question,
    );
  }
});
