import { readCarried } from "../../../src/tasks/language/carried-texts.ts";
import { languageOf, spaced } from "../../../src/tasks/language/language-of.ts";
import type { Language, TextSet } from "../../../src/tasks/language/text-set.ts";

/** Texts that a site carries, each tokenised when somebody looks at it: by the code and the merges of the stages, so to the same tokens. */
export class Glosses {
  readonly language: Language;
  readonly texts: readonly string[];
  readonly labels: Uint8Array;
  private readonly known: (readonly number[])[] = [];

  /** @param json as `language/exhibit.ts` writes it @throws InputError where it is something else */
  constructor(json: string, name: string) {
    const { classes, merges, texts, labels } = readCarried(json, name);
    this.language = languageOf(merges, classes);
    this.texts = texts;
    this.labels = labels;
  }

  get count(): number {
    return this.texts.length;
  }

  tokens(i: number): readonly number[] {
    this.known[i] ??= this.language.tokenizer.encode(spaced(this.texts[i]));
    return this.known[i];
  }

  one(i: number): TextSet {
    return { language: this.language, count: 1, tokens: [this.tokens(i)], labels: this.labels.slice(i, i + 1) };
  }

  first(most: number): TextSet {
    const count = Math.min(most, this.count);
    const tokens = Array.from({ length: count }, (_, i) => this.tokens(i));
    return { language: this.language, count, tokens, labels: this.labels.slice(0, count) };
  }
}
