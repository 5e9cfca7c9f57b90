import type { SiteDefect } from "../../../src/records/site.ts";
import type { Asked } from "../../../src/tasks/language/adoption/asked-tokenizer.ts";
import { readCarriedModel } from "../../../src/tasks/language/adoption/carried-model.ts";
import { tokenizerOf } from "../../../src/tasks/language/adoption/described-tokenizer.ts";
import { subsetOf, type TextSet, writeSequence } from "../../../src/tasks/language/text-set.ts";
import { classOf, eligible, quality, succeeds } from "../../../src/tasks/language/verdicts.ts";
import type { CarriedFile } from "./carried-file.ts";
import type { Exhibit } from "./exhibit.ts";
import { Glosses } from "./glosses.ts";
import { TextAnswer } from "./text-answer.tsx";
import { wordExhibit } from "./word-exhibit.tsx";

/**
 * Texts with their classes. What the page says of answers is what the task says.
 *
 * @param json the texts as a site carries them @param model the same of a model that somebody else made; absent: it was trained on them
 * @throws InputError where either is something else, or the model cannot be asked
 */
export function textsExhibit(json: string, name: string, model?: CarriedFile): Exhibit {
  const carried = model && readCarriedModel<Asked>(model.json, model.name);
  const asked = carried && tokenizerOf(carried, carried, model.name);
  return wordExhibit(new Glosses(json, name, asked), {
    template: carried?.asked.template,
    ...{ Answer: TextAnswer, write: writeSequence },
    subset: (set, indices) => subsetOf(set as TextSet, indices),
    eligible: (set: TextSet, { target }: SiteDefect) => eligible(set, target),
    quality: (output, set: TextSet, i) => quality(output, set, i),
    succeeds: (output, set: TextSet, i, target) => succeeds(output, set, i, target),
    said: (output, set: TextSet, { classes }) => classes[classOf(output, set)],
    reached: () => "the target",
  });
}
