import type { Samples } from "../../core/samples.ts";
import type { Tokenizer } from "./tokenizer/tokenizer.ts";

/** What all texts of a data set share. */
export interface Language {
  tokenizer: Tokenizer;
  classes: readonly string[];
  /** Positions that a network reads. */
  context: number;
}

/** Texts with their classes, as tokens. A sample is read as `before text behind`, and the answer is the token behind that. */
export interface TextSet extends Samples {
  language: Language;
  /** Tokens of each text, without special ones. */
  tokens: readonly (readonly number[])[];
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
 * @returns the position of the mark
 */
export function writeSequence({ language, tokens }: TextSet, index: number, out: Float32Array, at: number): number {
  const { before, behind, padding } = language.tokenizer;
  const positions = language.context;
  const sequence = [...before, ...tokens[index].slice(0, positions - before.length - behind.length), ...behind];
  const mark = sequence.length - 1;
  for (let t = 0; t < positions; t++) {
    out[at + 2 * t] = t <= mark ? sequence[t] : padding;
    out[at + 2 * t + 1] = t === mark ? 1 : 0;
  }
  return mark;
}
