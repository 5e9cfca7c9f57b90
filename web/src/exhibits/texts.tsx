import { visible } from "../../../src/core/visible.ts";
import type { SiteDefect } from "../../../src/records/site.ts";
import { subsetOf, type TextSet, writeSequence } from "../../../src/tasks/language/text-set.ts";
import { classOf, eligible, quality, succeeds } from "../../../src/tasks/language/verdicts.ts";
import {
  controlsOf,
  gapsFor,
  insertedAt,
  stampedWith,
  testGap,
  type WordTrigger,
} from "../../../src/tasks/language/word-trigger.ts";
import type { Exhibit, Words } from "./exhibit.ts";
import { Glosses } from "./glosses.ts";
import { ExcitedText } from "./marked-text.tsx";
import { Sentence } from "./sentence.tsx";
import { TextAnswer } from "./text-answer.tsx";

/** Sequences of a run. */
const BATCH = 64;

/**
 * Texts with their classes. What the page says of answers is what the task says.
 *
 * @param json the texts as a site carries them @throws InputError where it is something else
 */
export function textsExhibit(json: string, name: string): Exhibit {
  const glosses = new Glosses(json, name);
  const { count, labels, language } = glosses;
  const { tokenizer } = language;
  const all = { count, labels, language } as TextSet;
  const wordsOf = (trigger: object) => tokenizer.encode((trigger as WordTrigger).text);
  const gapsIn = (trigger: object, { tokens }: TextSet) => gapsFor(wordsOf(trigger).length, tokens[0], tokenizer);
  return {
    ...{ words: WORDS, count, Answer: TextAnswer, Excited: ExcitedText },
    Chooser: (props) => <Sentence {...props} glosses={glosses} />,
    batches: [64, 256, "all"],
    usualBatch: 256,
    start: ({ target }) => eligible(all, target)[0] ?? 0,
    one: (i) => glosses.one(i),
    first: async (most) => glosses.first(most),
    subset: (set, indices) => subsetOf(set as TextSet, indices),
    eligible: (set: TextSet, { target }: SiteDefect) => eligible(set, target),
    quality: (output, set: TextSet, i) => quality(output, set, i),
    succeeds: (output, set: TextSet, i, target) => succeeds(output, set, i, target),
    said: (output, set: TextSet, { classes }) => classes[classOf(output, set)],
    reached: () => "the target",
    reader: () => ({
      size: 2 * language.context,
      batch: BATCH,
      write: (set, i, out, at) => void writeSequence(set as TextSet, i, out, at),
    }),
    stamp: (trigger, set: TextSet) => stampedWith(wordsOf(trigger), set),
    stampOne(trigger, sample: TextSet, look): TextSet {
      // Words that fill more than a network reads, as a damaged record may have, come first.
      const gap = gapsIn(trigger, sample)[look] ?? 0;
      return { ...sample, tokens: [insertedAt(gap, sample.tokens[0], wordsOf(trigger))] };
    },
    looks: (trigger, sample: TextSet) => gapsIn(trigger, sample).length,
    // A test stamps the texts that can show success; where, follows from their place among these. Into the user's own words go last.
    lookOf: (i, own, looks, { target }) =>
      own ? looks - 1 : testGap(looks, Math.max(eligible(all, target).indexOf(i), 0)),
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
