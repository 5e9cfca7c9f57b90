import { existsSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { InputError } from "../../../core/errors.ts";
import { readJsonFile } from "../checkpoint/json-file.ts";
import { type TokenizerFile, tokenizerFile } from "./file.ts";
import { openTokenizer, type Tokenizer } from "./tokenizer.ts";
import type { Merge } from "./train.ts";

/** Bytes of a tokenizer's file: ours have 0.2 MB. */
const MOST_BYTES = 64 << 20;
const MEND = "check out again with --samples N";

/** A tokenizer of ours. */
type OwnTokenizer = Tokenizer & { file: TokenizerFile };

/**
 * The tokenizer of a checkout. Its merges say all of it, so whatever else was changed shows.
 *
 * @param dir the checkout's folder @param classes as its model.json has them
 * @returns null where the file is not what a checkout writes
 * @throws InputError where there is none, or no JSON
 */
export function checkedOutTokenizer(dir: string, classes: readonly string[]): OwnTokenizer | null {
  const path = tokenizerPath(dir);
  if (!existsSync(path)) throw new InputError(`${path}: there is no such file; ${MEND}`);
  const read = readJsonFile(path, MOST_BYTES, MEND);
  const merges = (read.model as { merges?: unknown } | undefined)?.merges;
  const file = tokenizerFile(isMerges(merges) ? merges : [], classes);
  return isDeepStrictEqual(read, file) ? openTokenizer(file, classes) : null;
}

/**
 * As `checkedOutTokenizer`.
 *
 * @param vocabulary how many tokens the checkout's network knows
 * @throws InputError also where the file is another's
 */
export function requiredTokenizer(dir: string, classes: readonly string[], vocabulary: number): OwnTokenizer {
  const tokenizer = checkedOutTokenizer(dir, classes);
  if (tokenizer && tokenizer.size <= vocabulary) return tokenizer;
  throw new InputError(`${tokenizerPath(dir)}: is not the tokenizer that 'bdefects checkout' wrote; ${MEND}`);
}

const tokenizerPath = (dir: string) => join(dir, "tokenizer.json");

function isMerges(value: unknown): value is Merge[] {
  const isPair = (pair: unknown) =>
    Array.isArray(pair) && pair.length === 2 && pair.every((token) => typeof token === "string");
  return Array.isArray(value) && value.every(isPair);
}
