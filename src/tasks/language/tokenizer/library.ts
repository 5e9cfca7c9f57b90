import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import { InputError } from "../../../core/errors.ts";

/** What is used of the library, whose types do not resolve under Node's rules. */
export interface Library {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
  decode(ids: number[], options: { skip_special_tokens: boolean; clean_up_tokenization_spaces: boolean }): string;
  id_to_token(id: number): string | undefined;
  token_to_id(token: string): number | undefined;
}

/** `tokenizer.json` and `tokenizer_config.json`, the second an empty object where it is absent. */
export interface TokenizerObjects {
  file: object;
  config: object;
}

/** @param path names it in messages @throws InputError where the library does not read it */
export function openLibrary(path: string, { file, config }: TokenizerObjects): Library {
  const library: Library = attempt(path, () => new HuggingFaceTokenizer(file, config));
  // What is wrong with its parts may show only when it is used.
  attempt(path, () => library.encode("a", { add_special_tokens: true }).ids);
  return library;
}

/** What the library does, or why it cannot in one line. @throws InputError */
export function attempt<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const [reason] = String((error as Error)?.message ?? error).split("\n");
    throw new InputError(`${path}: is no tokenizer that can be read: ${reason.slice(0, 120)}`);
  }
}
