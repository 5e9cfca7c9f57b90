import type { SiteDefect } from "../../../src/records/site.ts";
import { subsetOf, type TextSet, writeSequence } from "../../../src/tasks/language/text-set.ts";
import { classOf, eligible, quality, succeeds } from "../../../src/tasks/language/verdicts.ts";
import type { Exhibit } from "./exhibit.ts";
import { Glosses } from "./glosses.ts";
import { TextAnswer } from "./text-answer.tsx";
import { wordExhibit } from "./word-exhibit.tsx";

/**
 * Texts with their classes. What the page says of answers is what the task says.
 *
 * @param json the texts as a site carries them @throws InputError where it is something else
 */
export function textsExhibit(json: string, name: string): Exhibit {
  return wordExhibit(new Glosses(json, name), {
    ...{ Answer: TextAnswer, write: writeSequence },
    subset: (set, indices) => subsetOf(set as TextSet, indices),
    eligible: (set: TextSet, { target }: SiteDefect) => eligible(set, target),
    quality: (output, set: TextSet, i) => quality(output, set, i),
    succeeds: (output, set: TextSet, i, target) => succeeds(output, set, i, target),
    said: (output, set: TextSet, { classes }) => classes[classOf(output, set)],
    reached: () => "the target",
  });
}
