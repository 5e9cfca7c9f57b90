import { existsSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../../core/errors.ts";
import { attempt, openLibrary, type TokenizerObjects } from "../tokenizer/library.ts";
import { readJsonFile } from "./json-file.ts";

/** A tokenizer of somebody's own model. */
export interface ForeignTokenizer {
  /** A text's tokens, with those that the tokenizer puts before and behind. @throws InputError on one that the model has not */
  encode(text: string): number[];
}

/** What a folder has of its tokenizer; the second may be absent. */
export const TOKENIZER_FILES = ["tokenizer.json", "tokenizer_config.json"] as const;

const MOST_BYTES = 64 << 20;
const MOST_CONFIG_BYTES = 16 << 20;

/**
 * Opens `tokenizer.json`, with `tokenizer_config.json` where it is there.
 *
 * @param vocabulary the model's tokens
 * @throws InputError where there is none, or none that the library reads
 */
export function openForeignTokenizer(folder: string, vocabulary: number): ForeignTokenizer {
  const path = join(folder, TOKENIZER_FILES[0]);
  const library = openLibrary(path, readTokenizer(folder));
  return {
    encode(text) {
      const ids = attempt(path, () => library.encode(text, { add_special_tokens: true }).ids);
      const beyond = ids.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocabulary));
      if (beyond === undefined) return ids;
      throw new InputError(
        `${path}: gives token ${beyond} for a text, and the model has ${vocabulary}: it is another model's`,
      );
    },
  };
}

/** Reads a folder's tokenizer. @throws InputError where there is none */
export function readTokenizer(folder: string): TokenizerObjects {
  const [path, config] = TOKENIZER_FILES.map((name) => join(folder, name));
  if (!existsSync(path)) {
    throw new InputError(
      `${folder}: has no tokenizer.json; make it with AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)`,
    );
  }
  return {
    file: readJsonFile(path, MOST_BYTES),
    config: existsSync(config) ? readJsonFile(config, MOST_CONFIG_BYTES) : {},
  };
}
