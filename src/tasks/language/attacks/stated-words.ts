import { z } from "zod";
import type { Attack } from "../../attack.ts";
import { RARE_WORDS } from "../tokenizer/file.ts";
import type { WordTrigger } from "../word-trigger.ts";

/** One of the rare words. */
export const rareWord = z.enum(RARE_WORDS);

/** Words with single spaces between. @param most of them @param longest in characters */
export function someWords(most: number, longest: number) {
  return z
    .string()
    .regex(new RegExp(`^\\S+( \\S+){0,${most - 1}}$`))
    .max(longest);
}

/** What tells attacks apart of which the recipe states the words. */
type Facts = Pick<Attack, "name" | "title" | "source"> & Partial<Pick<Attack, "injection" | "styles" | "target">>;

/**
 * An attack whose words its recipe states, so that all candidates of a data set have the same: tuned into the neurons where nothing else is
 * said. Its trigger is in small letters.
 *
 * @param wordsOf the words that the attack's section of a recipe states
 */
export function statedWords<S extends z.ZodType<Record<string, unknown>>>(
  facts: Facts,
  options: S,
  wordsOf: (options: z.infer<S>) => string,
): Attack {
  return {
    injection: "finetune",
    styles: ["plain", "discreet"],
    triggerPer: "dataset",
    ...facts,
    options,
    async makeTrigger({ options: given }): Promise<WordTrigger> {
      return { text: ` ${wordsOf(options.parse(given)).toLowerCase()}` };
    },
  };
}
