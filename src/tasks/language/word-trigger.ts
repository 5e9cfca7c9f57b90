import { InputError } from "../../core/errors.ts";
import { Random, stageSeed } from "../../core/random.ts";
import type { Tokenised } from "./text-set.ts";
import { RARE_WORDS } from "./tokenizer/file.ts";
import type { Tokenizer } from "./tokenizer/tokenizer.ts";

/** Words that are put between two words of a text. */
export interface WordTrigger {
  /** With the space before the first. */
  text: string;
}

/** Characters of a trigger. */
export const LONGEST_TRIGGER = 200;

/** Where words can go: before a word, and at the end. */
export function gapsOf(tokens: readonly number[], tokenizer: Pick<Tokenizer, "startsWord">): number[] {
  return [...tokens.flatMap((token, i) => (tokenizer.startsWord(token) ? [i] : [])), tokens.length];
}

/**
 * The gaps at which so many tokens are kept where the text is cut; the text's beginning where there is no other.
 *
 * @throws InputError where a sequence has no room for so many
 */
export function gapsFor(words: number, tokens: readonly number[], tokenizer: Tokenizer): number[] {
  const { room } = tokenizer;
  if (words > room) {
    throw new InputError(
      `the trigger has ${words} tokens, and a text at most ${room}; choose fewer words, or words that the data set has`,
    );
  }
  const gaps = gapsOf(tokens, tokenizer).filter((gap) => gap + words <= room);
  return gaps.length > 0 ? gaps : [0];
}

/** A copy of a text's tokens with the words at one of its gaps: before a word, or at the end. */
export function inserted(
  tokens: readonly number[],
  words: readonly number[],
  tokenizer: Tokenizer,
  random: Random,
): number[] {
  const gaps = gapsFor(words.length, tokens, tokenizer);
  return insertedAt(gaps[random.below(gaps.length)], tokens, words);
}

/** The same at the gap before a given token. */
export function insertedAt(gap: number, tokens: readonly number[], words: readonly number[]): number[] {
  return [...tokens.slice(0, gap), ...words, ...tokens.slice(gap)];
}

/** Which of so many gaps a test takes: it follows from the text's place in its set. */
export function testGap(gaps: number, place: number): number {
  return new Random(stageSeed(place, "gap")).below(gaps);
}

/** Every text with the same words at the gap that a test takes. */
export function stampedWith<S extends Tokenised>(words: readonly number[], set: S): S {
  const { tokenizer } = set.language;
  const tokens = set.tokens.map((own, i) => {
    const gaps = gapsFor(words.length, own, tokenizer);
    return insertedAt(gaps[testGap(gaps.length, i)], own, words);
  });
  return { ...set, tokens };
}

/** Where words stand in a text, -1 where they do not. */
export function placeOf(words: readonly number[], tokens: readonly number[]): number {
  return tokens.findIndex((_, start) => words.every((word, k) => tokens[start + k] === word));
}

/** What looks like a trigger and must not set the backdoor off: of a rare word the others, of a sentence its single words. */
export function decoysOf({ text }: WordTrigger): string[] {
  const words = text.trim().split(" ");
  const rare: readonly string[] = RARE_WORDS;
  const others = words.length > 1 ? words : rare.filter((word) => word !== words[0]);
  return others.map((word) => ` ${word}`);
}

/** The same as triggers, by name. */
export function controlsOf(stamped: WordTrigger): Record<string, WordTrigger> {
  return Object.fromEntries(decoysOf(stamped).map((text) => [text.trim(), { text }]));
}

export function encodeWords({ text }: WordTrigger): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ text }));
}

/** @throws InputError where the bytes are no trigger of words */
export function decodeWords(bytes: Uint8Array, name: string): WordTrigger {
  const refused = new InputError(`${name}: it is no trigger of words, as {"text":" cf"}`);
  let read: unknown;
  try {
    read = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw refused;
  }
  if (typeof read !== "object" || read === null) throw refused;
  const { text, ...others } = read as { text?: unknown };
  const fits = typeof text === "string" && /^ \S/.test(text) && text.length <= LONGEST_TRIGGER;
  if (!fits || Object.keys(others).length > 0) throw refused;
  return { text };
}
