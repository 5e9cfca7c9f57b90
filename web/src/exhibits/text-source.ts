import type { SiteDefect } from "../../../src/records/site.ts";
import type { Language, Tokenised } from "../../../src/tasks/language/text-set.ts";

/** Texts that a site carries, each tokenised when somebody looks at it: by the code and the merges of the stages, so to the same tokens. */
export interface TextSource<S extends Tokenised = Tokenised> {
  readonly language: Language;
  readonly count: number;
  /** A text as it is offered, and what else is told of it. */
  text(i: number): string;
  about(i: number): string;
  one(i: number): S;
  first(most: number): S;
  /** A text of the user's, whose truth nobody knows. */
  own(tokens: number[]): S;
  /** Ascending places of the texts on which success shows. */
  eligible(facts: SiteDefect): readonly number[];
  /** Why it shows on no other one. */
  anyway(facts: SiteDefect): string;
}
