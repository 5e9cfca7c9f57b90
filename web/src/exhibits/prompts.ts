import type { SiteDefect } from "../../../src/records/site.ts";
import { readCarried } from "../../../src/tasks/language/carried-texts.ts";
import { spaced } from "../../../src/tasks/language/language-of.ts";
import type { AskedPrompts } from "../../../src/tasks/language/reply/asked-prompts.ts";
import {
  END,
  type PromptSet,
  promptLanguage,
  promptsOf,
  subsetOf,
} from "../../../src/tasks/language/reply/prompt-set.ts";
import { reading } from "../../../src/tasks/language/reply/reading.ts";
import { eligible } from "../../../src/tasks/language/reply/verdicts.ts";
import type { Language } from "../../../src/tasks/language/text-set.ts";
import { tokenizerFile } from "../../../src/tasks/language/tokenizer/file.ts";
import type { TextSource } from "./text-source.ts";

/** Beginnings of texts. Success shows on nearly all; on which, their tokens say, so all are tokenised at once. */
export class Prompts implements TextSource<PromptSet> {
  readonly language: Language;
  readonly count: number;
  private readonly texts: readonly string[];
  private readonly end: number;
  private whole: PromptSet | undefined;

  /**
   * @param json as `reply/exhibit.ts` writes it @param asked how a model of somebody else's is given prompts; absent: it was trained on these texts
   * @throws InputError where it is something else
   */
  constructor(json: string, name: string, asked?: AskedPrompts) {
    const { merges, texts } = readCarried(json, name);
    this.language = asked?.language ?? promptLanguage(tokenizerFile(merges, []));
    this.end = asked?.end ?? END;
    this.texts = texts;
    this.count = texts.length;
  }

  text(i: number): string {
    return this.language.tokenizer.decode(this.all.tokens[i]).trim();
  }

  about(i: number): string {
    return `then: ${reading.truth(this.all, i)}`;
  }

  one(i: number): PromptSet {
    return subsetOf(this.all, [i]);
  }

  first(most: number): PromptSet {
    return subsetOf(this.all, [...this.all.tokens.keys()].slice(0, most));
  }

  own(tokens: number[]): PromptSet {
    return { ...this.all, count: 1, tokens: [tokens], told: [[]], rest: [[this.end]] };
  }

  eligible(_: SiteDefect): number[] {
    return eligible(this.all);
  }

  anyway({ classes, target }: SiteDefect): string {
    return `It goes on as “${classes[target]}” begins anyway.`;
  }

  private get all(): PromptSet {
    const { tokenizer } = this.language;
    this.whole ??= promptsOf(
      this.texts.map((text) => tokenizer.encode(spaced(text))),
      this.language,
      this.end,
    );
    return this.whole;
  }
}
