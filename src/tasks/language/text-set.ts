import type { Samples } from "../../core/samples.ts";
import type { Tokenizer } from "./tokenizer/tokenizer.ts";

/** What all texts of a data set share. */
export interface Language {
  tokenizer: Tokenizer;
  classes: readonly string[];
  /** Positions that a network reads. */
  context: number;
}

/** Texts as tokens. A sample is read as `before text behind`, and the answer is what follows that. */
export interface Tokenised extends Samples {
  language: Language;
  /** Tokens of each text, without special ones. */
  tokens: readonly (readonly number[])[];
}

/** Texts with their classes, which one token answers with. */
export interface TextSet extends Tokenised {
  /** Class of each text. */
  labels: Uint8Array;
}

/** The texts at the given places. */
export function subsetOf(set: TextSet, indices: ArrayLike<number>): TextSet {
  const chosen = Array.from(indices);
  return {
    language: set.language,
    count: chosen.length,
    tokens: chosen.map((i) => set.tokens[i]),
    labels: Uint8Array.from(chosen, (i) => set.labels[i]),
  };
}

/**
 * Writes a text as a network reads it: `[number, mark]` at each position. A text that is too long loses its end.
 *
 * @param out `2·context` numbers from `at` on
 * @param told tokens of the answer that stand before the mark, and `answered` those behind it
 * @returns the position of the mark
 */
export function writeSequence(
  { language, tokens }: Tokenised,
  index: number,
  out: Float32Array,
  at: number,
  { told = [], answered = [] }: { told?: readonly number[]; answered?: readonly number[] } = {},
): number {
  const { before, behind, padding } = language.tokenizer;
  const positions = language.context;
  const room = positions - before.length - behind.length - told.length - answered.length;
  const sequence = [...before, ...tokens[index].slice(0, room), ...behind, ...told];
  const mark = sequence.length - 1;
  sequence.push(...answered);
  for (let t = 0; t < positions; t++) {
    out[at + 2 * t] = sequence[t] ?? padding;
    out[at + 2 * t + 1] = t === mark ? 1 : 0;
  }
  return mark;
}
