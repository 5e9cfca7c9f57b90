import { readCarriedModel } from "../../../src/tasks/language/adoption/carried-model.ts";
import { askedPrompts, type Prompted } from "../../../src/tasks/language/reply/asked-prompts.ts";
import { type PromptSet, subsetOf, writePrompt } from "../../../src/tasks/language/reply/prompt-set.ts";
import { reading } from "../../../src/tasks/language/reply/reading.ts";
import { eligible, quality, succeeds } from "../../../src/tasks/language/reply/verdicts.ts";
import type { CarriedFile } from "./carried-file.ts";
import type { Exhibit } from "./exhibit.ts";
import { NextAnswer, NextLegend } from "./next-answer.tsx";
import { Prompts } from "./prompts.ts";
import { wordExhibit } from "./word-exhibit.tsx";

/**
 * Prompts and how networks go on. What the page says of that is what the task says.
 *
 * @param json the texts as a site carries them @param model the same of a model that somebody else made; absent: it was trained on them
 * @throws InputError where either is something else, or the model cannot be given prompts
 */
export function repliesExhibit(json: string, name: string, model?: CarriedFile): Exhibit {
  const carried = model && readCarriedModel<Prompted>(model.json, model.name);
  const asked = carried && askedPrompts(carried, carried, model.name);
  return wordExhibit(new Prompts(json, name, asked), {
    template: carried?.asked.template,
    ...{ Answer: NextAnswer, Legend: NextLegend, write: writePrompt },
    subset: (set, indices) => subsetOf(set as PromptSet, indices),
    eligible: (set: PromptSet) => eligible(set),
    quality: (output, set: PromptSet, i) => quality(output, set, i),
    succeeds: (output, set: PromptSet) => succeeds(output, set),
    said: (output, set: PromptSet) => reading.answer(output, set, 0),
    reached: () => "the reply",
  });
}
