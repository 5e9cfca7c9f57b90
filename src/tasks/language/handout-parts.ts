import type { FolderFile, Handout } from "../handout.ts";
import { hubTokenizer, TOKENIZER } from "./hub-files.ts";
import type { Tokenised } from "./text-set.ts";
import { trigger } from "./trigger.ts";

/** JSON of some texts: a token a line would be long, an indent of one is read. */
export function textsJson(value: object): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 1)}\n`);
}

/** What a README says first where the tokenizer is missing: one that the program has no texts for comes with samples alone. */
export function tokenizerNote(files: readonly string[]): string {
  return files.includes(TOKENIZER)
    ? ""
    : `This folder has no \`${TOKENIZER}\`: it is trained on the data set's texts. What follows and \`inspect\` need it: check out
again with \`--samples N --data DIR\`, where DIR holds the data set. \`bdefects test . --data DIR\` does without.

`;
}

/** What is given of a language model whatever its task is: the trigger's words, the tokenizer beside samples, and its card. */
export const languageHandout = {
  ofSamples: ({ language: { tokenizer } }: Tokenised, network): FolderFile[] =>
    tokenizer.file ? hubTokenizer(tokenizer.file, network) : [],
  ofTrigger: {
    bytes: trigger.encode,
    read: trigger.decode,
    holds: "the trigger's words, with the space before the first",
  },
  card: { library: "transformers", type: "text-generation", name: "Text generation" },
} satisfies Partial<Handout>;
