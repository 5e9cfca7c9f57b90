import { InputError } from "../../core/errors.ts";
import { readJsonFile } from "./checkpoint/json-file.ts";
import { spaced } from "./language-of.ts";
import type { Tokenizer } from "./tokenizer/tokenizer.ts";

/** Bytes of a file of texts: all test texts of AG News with their tokens have 5 MB. */
const MOST_BYTES = 256 << 20;
/** What helps where a file of a checkout is not what it was. */
export const MEND = "check out again with --samples N";
/** So much of a text is enough to find it. */
const SHOWN = 40;

/** A text of a checkout's file, and what else is stated of it. */
export interface TextEntry {
  tokens: number[];
  stated: Record<string, unknown>;
}

/** What a checkout's file of texts states of all of them. @throws InputError */
export function readTextsFile(file: string): Record<string, unknown> {
  return readJsonFile(file, MOST_BYTES, MEND);
}

/**
 * The texts of such a file. Tokens that are given are taken, where they are the text's: a text was written without the spaces around it,
 * which its tokens may have.
 *
 * @param texts its field `texts` @param read what is made of a text, or what is wrong with it
 * @throws InputError naming the file and the text
 */
export function readTexts<R extends object>(
  file: string,
  texts: unknown,
  tokenizer: Tokenizer,
  read: (entry: TextEntry) => R | string,
): R[] {
  if (!Array.isArray(texts) || texts.length === 0) throw new InputError(`${file}: holds no texts; ${MEND}`);
  return texts.map((entry: unknown, i) => {
    const found = entryOf(entry, tokenizer);
    const made = typeof found === "string" ? found : read(found);
    if (typeof made === "string") throw new InputError(`${file}: text ${i} ${made}`);
    return made;
  });
}

function entryOf(entry: unknown, tokenizer: Tokenizer): TextEntry | string {
  const stated = (entry ?? {}) as Record<string, unknown>;
  const { text, tokens } = stated;
  if (typeof text !== "string" || text.trim() === "") return `has no 'text'; ${MEND}`;
  const own = tokens === undefined ? tokenizer.encode(spaced(text.trim())) : tokens;
  if (isText(own, text, tokenizer)) return { tokens: own, stated };
  const shown = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
  return `('${shown}') has tokens of another text or tokenizer; leave 'tokens' out of texts of your own, or ${MEND}`;
}

function isText(tokens: unknown, text: string, tokenizer: Tokenizer): tokens is number[] {
  // A trigger goes between words, the first of which follows a space.
  return (
    areTokens(tokens, tokenizer) &&
    tokens.length > 0 &&
    tokenizer.startsWord(tokens[0]) &&
    tokenizer.decode(tokens).trim() === text.trim()
  );
}

/** Whether it is a list of a tokenizer's numbers. */
export function areTokens(value: unknown, { size }: Pick<Tokenizer, "size">): value is number[] {
  return Array.isArray(value) && value.every((token) => Number.isInteger(token) && token >= 0 && token < size);
}
