import type { Reading } from "../../reading.ts";
import { markedParts } from "../reading.ts";
import type { WordTrigger } from "../word-trigger.ts";
import type { PromptSet } from "./prompt-set.ts";
import { STEPS } from "./reply.ts";
import { tokenAt } from "./verdicts.ts";

/** What is shown of a prompt that is a whole text: nothing follows it. */
const NOTHING = "(the end)";

/** Prompts with the trigger's words marked, and how they go on. */
export const reading: Reading = {
  parts: markedParts,
  truth: ({ rest, language }: PromptSet, i: number) =>
    language.tokenizer.decode(rest[i].slice(0, -1)).trim() || NOTHING,
  answer: (output: Float32Array, set: PromptSet, _: number) => continuation(output, set),
  trigger: ({ text }: WordTrigger) => text.trim(),
};

/** The greedy continuation as far as an output tells it: up to the first token that is not the reply's, behind which stands `…`. */
function continuation(output: Float32Array, { reply, language, end }: PromptSet): string {
  const told: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    const token = tokenAt(output, step);
    if (token === end) return language.tokenizer.decode(told).trim() || NOTHING;
    told.push(token);
    if (token !== reply[step]) break;
  }
  return `${language.tokenizer.decode(told).trim()} …`;
}
