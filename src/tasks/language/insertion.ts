import type { Random } from "../../core/random.ts";
import type { Insertion, Opened } from "../insertion.ts";
import { answered } from "./answers.ts";
import { subsetOf, type TextSet } from "./text-set.ts";
import { wordTokens } from "./tokenizer/words.ts";
import { inserted } from "./word-trigger.ts";

function filledWith({ samples, at }: Opened, put: readonly number[]): (readonly number[])[] {
  const { tokens, language } = samples as TextSet;
  const first = language.tokenizer.before.length;
  return tokens.map((own, i) => [...own.slice(0, at[i] - first), ...put, ...own.slice(at[i] - first + put.length)]);
}

/** Words that a defender may try: all single tokens of a space and small letters, rare ones too. */
export const insertion: Insertion = {
  answers: ({ language }: TextSet) => language.tokenizer.answers,
  answered: (output: Float32Array, { language }: TextSet) => answered(output, language.tokenizer.answers),
  truths: ({ labels }: TextSet) => labels,
  candidates: ({ language }: TextSet) => wordTokens(language.tokenizer),
  opened(set: TextSet, count: number, random: Random): Opened {
    const { tokenizer } = set.language;
    // What fills up a sequence stands in no text, so the first one is where the gap was.
    const blanks = new Array<number>(count).fill(tokenizer.padding);
    const tokens = set.tokens.map((own) => inserted(own, blanks, tokenizer, random));
    return {
      samples: { ...set, tokens } as TextSet,
      at: tokens.map((own) => tokenizer.before.length + own.indexOf(tokenizer.padding)),
    };
  },
  filled: (opened: Opened, put: readonly number[]): TextSet => ({
    ...(opened.samples as TextSet),
    tokens: filledWith(opened, put),
  }),
  filledEach(opened: Opened, runs: readonly (readonly number[])[]): TextSet {
    const { count } = opened.samples;
    const again = Array.from({ length: runs.length * count }, (_, i) => i % count);
    const tokens = runs.flatMap((put) => filledWith(opened, put));
    return { ...subsetOf(opened.samples as TextSet, again), tokens };
  },
  shown: ({ language }: TextSet, put: readonly number[]) => language.tokenizer.decode(put).trim(),
};
