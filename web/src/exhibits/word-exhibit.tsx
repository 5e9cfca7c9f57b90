import { visible } from "../../../src/core/visible.ts";
import type { SiteDefect } from "../../../src/records/site.ts";
import type { Tokenised } from "../../../src/tasks/language/text-set.ts";
import {
  controlsOf,
  gapsFor,
  insertedAt,
  stampedWith,
  testGap,
  type WordTrigger,
} from "../../../src/tasks/language/word-trigger.ts";
import type { Exhibit, Words } from "./exhibit.ts";
import { ExcitedText } from "./marked-text.tsx";
import { Sentence } from "./sentence.tsx";
import type { TextSource } from "./text-source.ts";

/** Sequences of a run. */
const BATCH = 64;

/** What texts are to a task, and what it says of answers. */
type OfTask = Pick<
  Exhibit,
  "subset" | "eligible" | "quality" | "succeeds" | "said" | "reached" | "Answer" | "Legend"
> & {
  /** As `Reader.write`. */
  write(set: Tokenised, index: number, out: Float32Array, at: number): void;
  /** How a model of somebody else's is asked; absent: as all that were trained here. */
  template?: string;
};

/** Texts into which words are put. */
export function wordExhibit(source: TextSource, { write, template, ...ofTask }: OfTask): Exhibit {
  const { count, language } = source;
  const { tokenizer } = language;
  const wordsOf = (trigger: object) => tokenizer.encode((trigger as WordTrigger).text);
  const gapsIn = (trigger: object, { tokens }: Tokenised) => gapsFor(wordsOf(trigger).length, tokens[0], tokenizer);
  return {
    ...{ words: WORDS, count, Excited: ExcitedText },
    ...ofTask,
    Chooser: (props) => <Sentence {...props} {...{ source, template }} />,
    batches: [64, 256, "all"],
    usualBatch: 256,
    start: (facts) => source.eligible(facts)[0] ?? 0,
    one: (i) => source.one(i),
    first: async (most) => source.first(most),
    reader: () => ({
      size: 2 * language.context,
      batch: BATCH,
      shared: tokenizer.before.length,
      write: (set, i, out, at) => write(set as Tokenised, i, out, at),
    }),
    stamp: (trigger, set: Tokenised) => stampedWith(wordsOf(trigger), set),
    stampOne(trigger, sample: Tokenised, look): Tokenised {
      // Words that fill more than a network reads, as a damaged record may have, come first.
      const gap = gapsIn(trigger, sample)[look] ?? 0;
      return { ...sample, tokens: [insertedAt(gap, sample.tokens[0], wordsOf(trigger))] };
    },
    looks: (trigger, sample: Tokenised) => gapsIn(trigger, sample).length,
    // A test stamps the texts that can show success; where, follows from their place among these. Into the user's own words go last.
    lookOf: (i, own, looks, facts: SiteDefect) =>
      own ? looks - 1 : testGap(looks, Math.max(source.eligible(facts).indexOf(i), 0)),
    controls: (trigger) =>
      Object.entries(controlsOf(trigger as WordTrigger)).map(([word, control]) => {
        return { stamp: `word:${word}`, title: `“${visible(word)}”, which is no trigger`, trigger: control };
      }),
    made: { stamp: "words", title: "Words of mine", empty: (): WordTrigger => ({ text: "" }) },
    apart: ({ dataset }) =>
      `These are not the test texts that the record of ${dataset} was measured on: its figures here are not the record's.`,
  };
}

const WORDS: Words = {
  sample: "text",
  samples: "texts",
  quality: "CA",
  caption: "Clean accuracy (CA) and attack success rate (ASR)",
  isShare: true,
};
