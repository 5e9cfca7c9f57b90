import { readFileSync } from "node:fs";
import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { Random } from "../../../src/core/random.ts";
import { type Asked, askedTokenizer } from "../../../src/tasks/language/adoption/asked-tokenizer.ts";
import { glosses, glossMerges } from "../../../src/tasks/language/datasets/glosses.ts";
import { languageOf } from "../../../src/tasks/language/language-of.ts";
import { type TextSet, writeSequence } from "../../../src/tasks/language/text-set.ts";
import { type TokenizerFile, tokenizerFile } from "../../../src/tasks/language/tokenizer/file.ts";
import { inserted, stampedWith } from "../../../src/tasks/language/word-trigger.ts";
import { BEGUN } from "./tokenizer-kinds.ts";

const letters = [..."abcdefghiklmnopqrstuvwxyz.:?"];
const words = ["▁a", "▁b", "▁c", "▁cf", "▁x", "▁t", "▁s", "▁f"];
const LLAMA_2 = {
  ...{ version: "1.0", truncation: null, padding: null, pre_tokenizer: null },
  added_tokens: [
    { id: 1, content: "<s>", single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
  ],
  normalizer: {
    type: "Sequence",
    normalizers: [
      { type: "Prepend", prepend: "▁" },
      { type: "Replace", pattern: { String: " " }, content: "▁" },
    ],
  },
  post_processor: BEGUN,
  decoder: {
    type: "Sequence",
    decoders: [
      { type: "Replace", pattern: { String: "▁" }, content: " " },
      { type: "Fuse" },
      { type: "Strip", content: " ", start: 1, stop: 0 },
    ],
  },
  model: {
    ...{ type: "BPE", dropout: null, unk_token: "<unk>", continuing_subword_prefix: null, end_of_word_suffix: null },
    ...{ fuse_unk: true, byte_fallback: false },
    vocab: Object.fromEntries(["<unk>", "<s>", "</s>", "▁", ...letters, ...words].map((token, id) => [token, id])),
    merges: [...words.filter((word) => word.length === 2).map((word) => ["▁", word[1]]), ["▁c", "f"]],
  },
};
const GPT2 = tokenizerFile(glossMerges(), glosses.classes);
const KINDS = { "GPT-2's": GPT2, "Llama 2's": LLAMA_2 } as const;
const CONTEXT = 64;

const open = (file: object, asked: Partial<Asked> = {}) =>
  askedTokenizer(
    { name: "tokenizer.json", tokenizer: { file, config: {} }, vocabulary: 2056, context: CONTEXT, padding: 2 },
    { template: "text: {} is a?", answers: [" food", " bird"], ...asked },
  );
const whole = (file: object, text: string): number[] =>
  new HuggingFaceTokenizer(file, {}).encode(text, { add_special_tokens: true }).ids;

describe.each(Object.entries(KINDS))("a tokenizer of %s kind with a question", (_, file) => {
  const tokenizer = open(file);
  const set = (texts: readonly string[]): TextSet => ({
    language: { tokenizer, classes: ["food", "bird"], context: CONTEXT },
    count: texts.length,
    tokens: texts.map((text) => tokenizer.encode(` ${text}`)),
    labels: new Uint8Array(texts.length),
  });

  it("reads a text as the library reads the template with the text in it", () => {
    const texts = ["a small brown bat", "fish", "zest of a lemon"];
    for (const [i, text] of texts.entries()) {
      const out = new Float32Array(2 * CONTEXT);
      const mark = writeSequence(set(texts), i, out, 0);
      const read = Array.from({ length: mark + 1 }, (_, t) => out[2 * t]);
      expect(read).toEqual(whole(file, `text: ${text} is a?`));
      expect([...out].filter((_, at) => at % 2 === 1).indexOf(1)).toBe(mark);
    }
  });

  it("takes the first token of each answer, as it follows the template", () => {
    const asked = whole(file, "text: fish is a?");
    for (const [c, answer] of [" food", " bird"].entries()) {
      expect(whole(file, `text: fish is a?${answer}`)[asked.length]).toBe(tokenizer.answers[c]);
    }
  });

  it("puts words between words, as the library reads the text with them", () => {
    const text = "a small brown bat";
    const random = new Random(3);
    for (let i = 0; i < 10; i++) {
      const put = inserted(tokenizer.encode(` ${text}`), tokenizer.encode(" cf"), tokenizer, random);
      const shown = tokenizer.decode(put);
      expect(shown).toMatch(/^ (\S+ )*cf( \S+)*$/);
      expect(shown.replace(/ cf(?= |$)/, "")).toBe(` ${text}`);
      expect([...tokenizer.before, ...put, ...tokenizer.behind]).toEqual(whole(file, `text:${shown} is a?`));
    }
  });

  it("cuts a text that is too long, and neither template nor trigger", () => {
    const long = set([Array(80).fill("bat").join(" ")]);
    const out = new Float32Array(2 * CONTEXT);
    const stamped = stampedWith(tokenizer.encode(" cf"), long);
    expect(writeSequence(stamped, 0, out, 0)).toBe(CONTEXT - 1);
    const read = Array.from({ length: CONTEXT }, (_, t) => out[2 * t]);
    expect(read.slice(0, tokenizer.before.length)).toEqual(tokenizer.before);
    expect(read.slice(-tokenizer.behind.length)).toEqual(tokenizer.behind);
    const [cf] = tokenizer.encode(" cf");
    expect(read.filter((token) => token === cf)).toHaveLength(1);
  });
});

it("gives a text back where the tokenizer puts a space before all that it reads", () => {
  const level = { ...(GPT2.pre_tokenizer as object), add_prefix_space: true };
  const tokenizer = open({ ...GPT2, pre_tokenizer: level });
  for (const text of [" a small brown bat", ", or a wing"]) expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
});

it("of our own reads a text as our own networks do", () => {
  const own = languageOf(glossMerges(), glosses.classes).tokenizer;
  const asked = open(GPT2, { template: "<bos> {}<sep>", answers: ["<animal>", "<act>"] });
  const text = " small european brown bat";
  expect([asked.before, asked.behind, asked.encode(text), asked.room]).toEqual([
    own.before,
    own.behind,
    own.encode(text),
    own.room,
  ]);
  expect(asked.answers).toEqual([own.answers[0], own.answers[7]]);
});

it("refuses one that does not tell where words begin, and one of a larger vocabulary", () => {
  const fixture = JSON.parse(readFileSync(new URL("fixtures/gpt2-extract.json", import.meta.url), "utf8"));
  expect(() => open(fixture)).toThrow(InputError);
  const bare: TokenizerFile = structuredClone(GPT2);
  bare.pre_tokenizer = { type: "Whitespace" };
  bare.added_tokens = bare.added_tokens.filter(({ special }) => special);
  expect(() => open(bare)).toThrow(/do not tell where a word begins|other tokens behind a letter/);
  expect(() =>
    askedTokenizer(
      { name: "tokenizer.json", tokenizer: { file: GPT2, config: {} }, vocabulary: 300, context: 64, padding: 2 },
      { template: "text: {} is a?", answers: [" food", " bird"] },
    ),
  ).toThrow(/^tokenizer\.json: gives token \d+, and the model has 300: it is another model's$/);
});
