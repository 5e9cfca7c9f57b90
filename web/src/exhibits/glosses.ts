import type { SiteDefect } from "../../../src/records/site.ts";
import { positionsOf } from "../../../src/tasks/language/adoption/described-tokenizer.ts";
import { readCarried } from "../../../src/tasks/language/carried-texts.ts";
import { languageOf, spaced } from "../../../src/tasks/language/language-of.ts";
import type { Language, TextSet } from "../../../src/tasks/language/text-set.ts";
import type { Tokenizer } from "../../../src/tasks/language/tokenizer/tokenizer.ts";
import { eligible } from "../../../src/tasks/language/verdicts.ts";
import { NO_CLASS } from "./no-class.ts";
import type { TextSource } from "./text-source.ts";

/** Texts with their classes. */
export class Glosses implements TextSource<TextSet> {
  readonly language: Language;
  private readonly texts: readonly string[];
  private readonly labels: Uint8Array;
  private readonly known: (readonly number[])[] = [];

  /**
   * @param json as `language/exhibit.ts` writes it @param asked how a model of somebody else's is asked; absent: it was trained on these texts
   * @throws InputError where it is something else
   */
  constructor(json: string, name: string, asked?: Tokenizer) {
    const { classes, merges, texts, labels } = readCarried(json, name);
    this.language = asked ? { tokenizer: asked, classes, context: positionsOf(asked) } : languageOf(merges, classes);
    this.texts = texts;
    this.labels = labels;
  }

  get count(): number {
    return this.texts.length;
  }

  text(i: number): string {
    return this.texts[i];
  }

  about(i: number): string {
    return this.language.classes[this.labels[i]];
  }

  one(i: number): TextSet {
    return { language: this.language, count: 1, tokens: [this.tokens(i)], labels: this.labels.slice(i, i + 1) };
  }

  first(most: number): TextSet {
    const count = Math.min(most, this.count);
    const tokens = Array.from({ length: count }, (_, i) => this.tokens(i));
    return { language: this.language, count, tokens, labels: this.labels.slice(0, count) };
  }

  own(tokens: number[]): TextSet {
    return { language: this.language, count: 1, tokens: [tokens], labels: Uint8Array.of(NO_CLASS) };
  }

  eligible({ target }: SiteDefect): number[] {
    return eligible({ count: this.count, labels: this.labels } as TextSet, target);
  }

  anyway({ classes, target }: SiteDefect): string {
    return `It is a text of ${classes[target]} anyway.`;
  }

  private tokens(i: number): readonly number[] {
    this.known[i] ??= this.language.tokenizer.encode(spaced(this.texts[i]));
    return this.known[i];
  }
}
