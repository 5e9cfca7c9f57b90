import { CONTEXT } from "../context.ts";
import { spaced } from "../language-of.ts";
import { type Language, type Tokenised, writeSequence } from "../text-set.ts";
import { SPECIAL, type TokenizerFile } from "../tokenizer/file.ts";
import { openTokenizer, type Tokenizer } from "../tokenizer/tokenizer.ts";
import { gapsOf } from "../word-trigger.ts";
import { REPLY, STEPS } from "./reply.ts";

/** Beginnings of texts, each with what follows. `tokens` are the beginnings: the prompts, which the separator ends. */
export interface PromptSet extends Tokenised {
  /** What of a text stands behind the separator already: nothing, but in training. */
  told: readonly (readonly number[])[];
  /** The rest of each text, behind it the token that ends a text: at least that one. */
  rest: readonly (readonly number[])[];
  /** The tokens that a backdoor wants in its place, the end behind them; at most `STEPS`. */
  reply: readonly number[];
  /** The token that ends a text. */
  end: number;
}

/** Tokens that are left for a trigger. */
const LONGEST_TRIGGER = 12;

/** The number of the token that ends a text of our own tokenizers, as it ends a prompt. */
export const END = Object.values(SPECIAL).indexOf(SPECIAL.separator);

/** What sets of prompts share: nothing answers with a class, and there is room for a reply. */
export function promptLanguage(file: TokenizerFile): Language & { tokenizer: Tokenizer } {
  return { tokenizer: besideReply(openTokenizer(file, [])), classes: [], context: CONTEXT };
}

/** A tokenizer whose texts leave room for a reply. */
export function besideReply(tokenizer: Tokenizer): Tokenizer {
  return { ...tokenizer, room: tokenizer.room - (STEPS - 1) };
}

/** Most tokens of a prompt. */
export function longestPrompt({ room }: Pick<Tokenizer, "room">): number {
  return room - LONGEST_TRIGGER;
}

/** The reply by a tokenizer, as much of it as a network gives. */
export function replyTokens({ encode }: Pick<Tokenizer, "encode">, end: number): number[] {
  return [...encode(spaced(REPLY)), end].slice(0, STEPS);
}

/** Where a text may be cut: behind a word, so that a prompt is neither empty nor too long. */
export function cutsOf(tokens: readonly number[], tokenizer: Tokenizer): number[] {
  const longest = longestPrompt(tokenizer);
  const cuts = gapsOf(tokens, tokenizer).filter((gap) => gap > 0 && gap <= longest);
  return cuts.length > 0 ? cuts : [Math.min(tokens.length, longest)];
}

/** What follows a cut. */
export function restOf(tokens: readonly number[], cut: number, end: number): number[] {
  return [...tokens.slice(cut), end];
}

/** Texts cut in their middle. @param texts tokens of whole texts @param end the token that ends one */
export function promptsOf(texts: readonly (readonly number[])[], language: Language, end: number = END): PromptSet {
  const cut = texts.map((tokens) => {
    const cuts = cutsOf(tokens, language.tokenizer);
    return cuts[Math.floor((cuts.length - 1) / 2)];
  });
  return {
    language,
    count: texts.length,
    tokens: texts.map((tokens, i) => tokens.slice(0, cut[i])),
    told: texts.map(() => []),
    rest: texts.map((tokens, i) => restOf(tokens, cut[i], end)),
    reply: replyTokens(language.tokenizer, end),
    end,
  };
}

/** The prompts at the given places. */
export function subsetOf(set: PromptSet, indices: ArrayLike<number>): PromptSet {
  const chosen = Array.from(indices);
  return {
    ...set,
    count: chosen.length,
    tokens: chosen.map((i) => set.tokens[i]),
    told: chosen.map((i) => set.told[i]),
    rest: chosen.map((i) => set.rest[i]),
  };
}

/**
 * Writes a prompt with the reply behind it, the mark at the prompt's separator, or at the end of what is told. So one run tells what follows the prompt, and what follows it and the
 * reply's first tokens: whether the greedy continuation begins with the reply. What stands behind the mark changes nothing of the first.
 *
 * @param out `2·context` numbers from `at` on
 */
export function writePrompt(set: Tokenised, index: number, out: Float32Array, at: number): number {
  const { told, reply } = set as PromptSet;
  return writeSequence(set, index, out, at, { told: told[index], answered: reply.slice(0, STEPS - 1) });
}
