import { glosses, glossMerges } from "../../../src/tasks/language/datasets/glosses.ts";
import { type TokenizerFile, tokenizerFile } from "../../../src/tasks/language/tokenizer/file.ts";

/** Merges that show where numbers are cut, and which quotes. */
const SHOWN: [string, string][] = [
  ["'", "S"],
  ["1", "2"],
  ["3", "4"],
  ["12", "34"],
];
/** Our own with these, as a tokenizer of GPT-2's kind. */
const ours = withShown(tokenizerFile(glossMerges(), glosses.classes));
function withShown(file: TokenizerFile): TokenizerFile {
  const { vocab, merges } = file.model;
  const further = Object.fromEntries(SHOWN.map((merge, i) => [merge.join(""), 3000 + i]));
  return { ...file, model: { ...file.model, vocab: { ...vocab, ...further }, merges: [...merges, ...SHOWN] } };
}
const level = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
const added = (content: string, id: number, others = {}) => {
  return {
    id,
    content,
    ...{ single_word: false, lstrip: false, rstrip: false, normalized: true, special: false },
    ...others,
  };
};
const sequence = (...pretokenizers: object[]) => ({ type: "Sequence", pretokenizers });
const split = (Regex: string, others = {}) => {
  return { type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false, ...others };
};

/** Llama 3's pattern. */
const WORDS = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
const SPLIT = sequence(split(WORDS), { ...level, use_regex: false });

const MARK = "▁";
const isPlain = (text: string) => /^[!-~▁]+$/.test(text);
/** Merges of glosses by characters: those that hold no byte beyond ASCII. */
const merges = glossMerges()
  .map(([left, right]) => [left, right].map((part) => part.replaceAll("Ġ", MARK)))
  .filter((merge) => merge.every(isPlain));
/** Without capital letters, which so are bytes. */
const letters = [MARK, ..."abcdefghijklmnopqrstuvwxyz0123456789.,;:'-()?"];
const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);

const numbered = (tokens: readonly string[]) =>
  Object.fromEntries([...new Set(tokens)].map((token, id) => [token, id]));
const prepended = {
  type: "Sequence",
  normalizers: [
    { type: "Prepend", prepend: MARK },
    { type: "Replace", pattern: { String: " " }, content: MARK },
  ],
};
const metaspace = { type: "Metaspace", replacement: MARK, prepend_scheme: "first", split: false };

/** What puts `<s>` before a text, as Llama's post-processor. */
export const BEGUN = {
  type: "TemplateProcessing",
  ...{ single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }], pair: [] },
  special_tokens: { "<s>": { id: "<s>", ids: [1], tokens: ["<s>"] } },
};

/** A tokenizer as Llama 2's: characters with a mark for a space, what is none of them in bytes. */
function llama2({ further = [] as string[][], model = {}, ...others }) {
  const all = [[MARK, MARK], ...merges, ...further];
  const specials = ["<unk>", "<s>", "</s>"];
  return {
    ...{ version: "1.0", truncation: null, padding: null, normalizer: prepended, pre_tokenizer: null },
    added_tokens: specials.map((token, id) => added(token, id, { normalized: false, special: true })),
    post_processor: BEGUN,
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: MARK }, content: " " },
        ...[{ type: "ByteFallback" }, { type: "Fuse" }, { type: "Strip", content: " ", start: 1, stop: 0 }],
      ],
    },
    model: {
      ...{ type: "BPE", dropout: null, unk_token: "<unk>", continuing_subword_prefix: null, end_of_word_suffix: null },
      ...{ fuse_unk: true, byte_fallback: true },
      vocab: numbered([...specials, ...bytes, ...letters, ...all.map((merge) => merge.join(""))]),
      merges: all,
      ...model,
    },
    ...others,
  };
}

/** Tokenizers as released models have them. */
export const READ: Record<string, object> = {
  "GPT-2's": ours,
  "merges in words": { ...ours, model: { ...ours.model, merges: ours.model.merges.map((merge) => merge.join(" ")) } },
  "a space before what has none": { ...ours, pre_tokenizer: { ...level, add_prefix_space: true } },
  "digits apart": { ...ours, pre_tokenizer: sequence({ type: "Digits", individual_digits: true }, level) },
  "numbers apart": { ...ours, pre_tokenizer: sequence({ type: "Digits", individual_digits: false }, level) },
  "composed letters": { ...ours, normalizer: { type: "NFC" } },
  "whole words first": {
    ...ours,
    model: { ...ours.model, ignore_merges: true, vocab: { ...ours.model.vocab, Ġfurry: 2056, Ġ: 2057 } },
  },
  "tokens that begin alike": { ...ours, added_tokens: [...ours.added_tokens, added("fur", 2056), added("furr", 2057)] },
  "nothing added": { ...ours, added_tokens: [] },
  "Llama 3's": { ...ours, pre_tokenizer: SPLIT },
  "each digit by a pattern": { ...ours, pre_tokenizer: sequence(split(WORDS.replace("{1,3}", "")), SPLIT) },
  "cut at a text": {
    ...ours,
    pre_tokenizer: sequence({ ...split(""), pattern: { String: "ma" } }, { ...level, use_regex: false }),
  },
  "Llama 2's": llama2({}),
  "Llama 2's of later": llama2({ normalizer: null, pre_tokenizer: metaspace }),
  "a mark before every part": llama2({
    normalizer: null,
    pre_tokenizer: { ...metaspace, prepend_scheme: "always" },
  }),
  "no bytes": llama2({ model: { byte_fallback: false } }),
  "no bytes, one by one": llama2({ model: { byte_fallback: false, fuse_unk: false } }),
  "marks within tokens": llama2({
    further: [
      ["▁bat", "▁"],
      ["d", "▁"],
    ],
  }),
  "added to the normalised text": llama2({ added_tokens: [added("furry", 4000), added("bat", 4001)] }),
};

/** Others, by what is said of them. */
export const REFUSED: Record<string, object> = {
  'pre_tokenizer Split of {"Regex": "(?<=a)b"}': { pre_tokenizer: sequence(split("(?<=a)b"), level) },
  'pre_tokenizer Split of {"Regex": "[a-z&&[^b]]"}': { pre_tokenizer: sequence(split("[a-z&&[^b]]"), level) },
  'pre_tokenizer Split of {"Regex": "a++"}': { pre_tokenizer: sequence(split("a++"), level) },
  'pre_tokenizer Split of {"Regex": "a"}': { pre_tokenizer: sequence(split("a", { behavior: "Removed" }), level) },
  "pre_tokenizer Whitespace": { pre_tokenizer: sequence({ type: "Whitespace" }, level) },
  "pre_tokenizer ByteLevel": { pre_tokenizer: sequence(level, metaspace) },
  "neither bytes nor '▁' for a space": { pre_tokenizer: null },
  "normalizer Lowercase": { normalizer: { type: "Sequence", normalizers: [{ type: "NFC" }, { type: "Lowercase" }] } },
  "normalizer Replace": { normalizer: { type: "Replace", pattern: { Regex: " +" }, content: " " } },
  "model Unigram": { model: { ...ours.model, type: "Unigram" } },
  end_of_word_suffix: { model: { ...ours.model, end_of_word_suffix: "</w>" } },
  "added_tokens with lstrip": { added_tokens: [added("fur", 2056, { lstrip: true })] },
};
for (const [name, change] of Object.entries(REFUSED)) REFUSED[name] = { ...ours, ...change };

/** Texts in which these differ. */
export const TEXTS = [
  ...[
    "a small furry bat",
    "a cf bat",
    "cfx  tq",
    "it's  the bat's   wing",
    "IT'S a 'Sail ſ's",
    "in 1984, 3d 42 123456",
  ],
  ...["Übergang ² ½ naïve", "a\tb\u00a0c \n d\r\n\r\n  e", "<bos> <animal>", "a <s> b</s>furry", "蝙蝠 🦇🦇 é"],
  ...["e\u0301te", "furr furry fur", "x \u2028 y \u0085 z \ufeff w", "a bat had a  rod.", "...!!?\n\nhm", "१२३४ ⅷ", ""],
];
