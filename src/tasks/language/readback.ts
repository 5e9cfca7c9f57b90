import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { InputError } from "../../core/errors.ts";
import type { Network } from "../../graph/network.ts";
import type { CheckedOutNetwork, Readback } from "../readback.ts";
import { readBy, tokenizerOf } from "./adoption/description.ts";
import { QUESTION, readQuestion } from "./adoption/question-file.ts";
import { readJsonFile } from "./checkpoint/json-file.ts";
import { readTokenizer } from "./checkpoint/tokenizer.ts";
import { spaced } from "./language-of.ts";
import type { Language, TextSet } from "./text-set.ts";
import { requiredTokenizer } from "./tokenizer/checked-out.ts";
import type { Tokenizer } from "./tokenizer/tokenizer.ts";

/** Bytes of a file: all test texts of AG News with their tokens have 5 MB. */
const MOST_BYTES = 256 << 20;
const MEND = "check out again with --samples N";
/** So much of a text is enough to find it. */
const SHOWN = 40;

/** Texts as `handout` wrote them, with the tokenizer that lies beside the model. */
export const readback: Readback = {
  suffix: "_texts.json",
  ofDataset(texts, { dir, network }) {
    return readQuestion(dir) ? readBy(askedOf(dir, network), texts as TextSet) : (texts as TextSet);
  },
  samples(file, { dir, network, classes }: CheckedOutNetwork): TextSet {
    const language = { tokenizer: readAs(dir, network, classes), classes, context: network.input.height };
    const { classes: named, texts } = readJsonFile(file, MOST_BYTES, MEND);
    if (named !== undefined && !isDeepStrictEqual(named, classes)) {
      throw new InputError(`${file}: its classes are not those of the checkout's model.json; ${MEND}`);
    }
    if (!Array.isArray(texts) || texts.length === 0) throw new InputError(`${file}: holds no texts; ${MEND}`);
    const read = texts.map((entry: unknown, i) => {
      const found = entryOf(entry, language);
      if (typeof found === "string") throw new InputError(`${file}: text ${i} ${found}`);
      return found;
    });
    const labels = Uint8Array.from(read, ({ label }) => label);
    return { language, count: read.length, tokens: read.map(({ tokens }) => tokens), labels };
  },
  classLogits: (output, { language: { tokenizer } }: TextSet) =>
    Float32Array.from(tokenizer.answers, (answer) => output[answer]),
};

/** The tokenizer of a checkout: our own, or that of a model that somebody else made, whose files lie there as they were. */
function readAs(dir: string, network: Network, classes: readonly string[]): Tokenizer {
  return readQuestion(dir) ? askedOf(dir, network) : requiredTokenizer(dir, classes);
}

/** @throws InputError where the folder does not say how its model is asked */
function askedOf(dir: string, { arch }: Network): Tokenizer {
  const asked = readQuestion(dir);
  if (!asked) throw new InputError(`${join(dir, QUESTION)}: there is no such file; ${MEND}`);
  const { file, config: beside } = readTokenizer(dir);
  return tokenizerOf(
    {
      ...{ arch, config: readJsonFile(join(dir, "config.json"), MOST_BYTES, MEND), asked },
      ...{ tokenizer: file as Record<string, unknown>, tokenizer_config: beside as Record<string, unknown> },
    },
    join(dir, "tokenizer.json"),
  );
}

/**
 * A text of the file, or what is wrong with it. Tokens that are given are taken, where they are the text's: a text was written without the
 * spaces around it, which its tokens may have.
 */
function entryOf(entry: unknown, { tokenizer, classes }: Language): { tokens: number[]; label: number } | string {
  const { text, tokens, class: label } = (entry ?? {}) as Record<string, unknown>;
  if (typeof text !== "string" || text.trim() === "") return `has no 'text'; ${MEND}`;
  if (!Number.isInteger(label) || (label as number) < 0 || (label as number) >= classes.length) {
    return `is of class ${JSON.stringify(label)}; the model's classes are 0 to ${classes.length - 1}`;
  }
  const own = tokens === undefined ? tokenizer.encode(spaced(text.trim())) : tokens;
  if (isText(own, text, tokenizer)) return { tokens: own, label: label as number };
  const shown = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
  return `('${shown}') has tokens of another text or tokenizer; leave 'tokens' out of texts of your own, or ${MEND}`;
}

function isText(tokens: unknown, text: string, tokenizer: Tokenizer): tokens is number[] {
  const isToken = (token: unknown) =>
    Number.isInteger(token) && (token as number) >= 0 && (token as number) < tokenizer.size;
  if (!Array.isArray(tokens) || !tokens.every(isToken)) return false;
  // A trigger goes between words, the first of which follows a space.
  return tokens.length > 0 && tokenizer.startsWord(tokens[0]) && tokenizer.decode(tokens).trim() === text.trim();
}
