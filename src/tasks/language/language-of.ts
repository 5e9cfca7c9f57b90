import { CONTEXT } from "./context.ts";
import type { LabelledTexts } from "./datasets/tsv.ts";
import type { Language, TextSet } from "./text-set.ts";
import { tokenizerFile } from "./tokenizer/file.ts";
import { openTokenizer } from "./tokenizer/tokenizer.ts";
import type { Merge } from "./tokenizer/train.ts";

/** What all texts of a data set share. @param classes names, one answer each */
export function languageOf(merges: readonly Merge[], classes: readonly string[]): Language {
  return { tokenizer: openTokenizer(tokenizerFile(merges, classes), classes), classes, context: CONTEXT };
}

/** A text as it is tokenised: its first word follows a space, as all others do. */
export function spaced(text: string): string {
  return ` ${text}`;
}

export function tokenised({ texts, labels }: LabelledTexts, language: Language): TextSet {
  const tokens = texts.map((text) => language.tokenizer.encode(spaced(text)));
  return { language, count: texts.length, tokens, labels };
}
