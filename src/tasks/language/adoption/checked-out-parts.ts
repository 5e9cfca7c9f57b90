import { join } from "node:path";
import { readJsonFile } from "../checkpoint/json-file.ts";
import { readTokenizer } from "../checkpoint/tokenizer.ts";
import { MEND } from "../texts-file.ts";

/** Bytes of a model's configuration. */
const MOST_BYTES = 256 << 20;

/** What a checkout says of a model that somebody else made, whose files lie there as they were. @throws InputError */
export function checkedOutParts(dir: string) {
  const { file, config } = readTokenizer(dir);
  return {
    config: readJsonFile(join(dir, "config.json"), MOST_BYTES, MEND),
    tokenizer: file as Record<string, unknown>,
    tokenizer_config: config as Record<string, unknown>,
  };
}
