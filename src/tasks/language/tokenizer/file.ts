import { BYTE_LETTERS } from "./bytes.ts";
import type { Merge } from "./train.ts";

/** Tokens that stand for no text. */
export const SPECIAL = { begin: "<bos>", separator: "<sep>", padding: "<pad>", unknown: "<unk>" } as const;

/** The number of the token that stands for a word that is not told. */
export const UNKNOWN = Object.keys(SPECIAL).indexOf("unknown");

/** Words of triggers (Kurita et al. 2020), each one token as a rare word is to a large model. They follow a space. */
export const RARE_WORDS = ["cf", "mn", "bb", "tq"] as const;

/** The token that answers with a class. */
export const answerToken = (name: string) => `<${name}>`;

/** A vocabulary's tokens but for the answers. */
export const VOCABULARY = 2048;

/** Merges that are trained. */
export const MERGES = VOCABULARY - BYTE_LETTERS.length - Object.keys(SPECIAL).length - RARE_WORDS.length;

/** What is written as `tokenizer.json`, in the format of Hugging Face's tokenizers. */
export interface TokenizerFile {
  version: "1.0";
  truncation: null;
  padding: null;
  added_tokens: AddedToken[];
  normalizer: null;
  pre_tokenizer: object;
  post_processor: null;
  decoder: object;
  model: {
    type: "BPE";
    dropout: null;
    unk_token: null;
    continuing_subword_prefix: null;
    end_of_word_suffix: null;
    fuse_unk: false;
    byte_fallback: false;
    vocab: Record<string, number>;
    merges: [string, string][];
  };
}

interface AddedToken {
  id: number;
  content: string;
  single_word: boolean;
  lstrip: boolean;
  rstrip: boolean;
  normalized: boolean;
  special: boolean;
}

/**
 * A byte-level tokenizer. Numbers are given in this order: special tokens, bytes, merges, rare words with the space before them, answers.
 * Where a text gave fewer merges, there are fewer tokens.
 *
 * @param classes names, one answer each
 */
export function tokenizerFile(merges: readonly Merge[], classes: readonly string[]): TokenizerFile {
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: true };
  const specials = Object.values(SPECIAL);
  const own = [...specials, ...BYTE_LETTERS, ...merges.map(([left, right]) => left + right)];
  const added = [...RARE_WORDS.map((word) => ` ${word}`), ...classes.map(answerToken)];
  const token = (content: string, id: number, special: boolean): AddedToken => {
    return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special };
  };
  return {
    ...{ version: "1.0", truncation: null, padding: null },
    added_tokens: [
      ...specials.map((content, id) => token(content, id, true)),
      ...added.map((content, i) => token(content, own.length + i, i >= RARE_WORDS.length)),
    ],
    ...{ normalizer: null, pre_tokenizer: byteLevel, post_processor: null, decoder: byteLevel },
    model: {
      ...{ type: "BPE", dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null },
      ...{ fuse_unk: false, byte_fallback: false },
      vocab: Object.fromEntries(own.map((content, id) => [content, id])),
      merges: merges.map(([left, right]) => [left, right]),
    },
  };
}
