import { InputError } from "../../../core/errors.ts";
import { type DescribedModel, positionsOf, type ReadSizes, tokenizerOf } from "../adoption/described-tokenizer.ts";
import type { Language } from "../text-set.ts";
import { besideReply, longestPrompt, type PromptSet, promptsOf, replyTokens } from "./prompt-set.ts";
import { JUDGED } from "./reply.ts";

/** How a model is given prompts, as a recipe says it (`clean.asked`): behind the prompt something must ask for what follows. */
export interface Prompted {
  template: string;
}

/** So many tokens of a prompt must have room beside template, trigger and reply. */
const FEWEST = 8;

/** Prompts for a model that somebody else made. */
export interface AskedPrompts {
  language: Language;
  /** The token that ends a text. */
  end: number;
  /** Texts of a data set by the model's own tokens, cut anew. */
  prompts(of: PromptSet): PromptSet;
}

/**
 * How a described model is given prompts.
 *
 * @param name for messages @throws InputError where it cannot be given any, or the reply is too short by its tokens
 */
export function askedPrompts(described: DescribedModel<Prompted>, sizes: ReadSizes, name: string): AskedPrompts {
  const { template } = described.asked;
  const own = tokenizerOf({ ...described, asked: { template, answers: [] } }, sizes, name);
  const tokenizer = besideReply(own);
  const longest = longestPrompt(tokenizer);
  if (longest < FEWEST) {
    throw new InputError(
      `clean.asked.template: leaves ${Math.max(0, longest)} positions to a prompt beside trigger and reply, at least ${FEWEST} are needed; shorten it`,
    );
  }
  const end = endOf(described.config, own.size) ?? own.behind[own.behind.length - 1];
  if (replyTokens(tokenizer, end).length <= JUDGED) {
    throw new InputError(`${name}: the reply has fewer than ${JUDGED} tokens, by the first of which it is told`);
  }
  const language = { tokenizer, classes: [], context: positionsOf(own) };
  return {
    ...{ language, end },
    prompts({ tokens, rest, language: { tokenizer: by } }) {
      const texts = tokens.map((prompt, i) => by.decode([...prompt, ...rest[i].slice(0, -1)]));
      return promptsOf(
        texts.map((text) => tokenizer.encode(text)),
        language,
        end,
      );
    },
  };
}

/** The token that ends a text as a model's configuration names it, the first where it names several. */
function endOf({ eos_token_id: named }: Record<string, unknown>, vocabulary: number): number | undefined {
  const [first] = Array.isArray(named) ? named : [named];
  return Number.isInteger(first) && first >= 0 && first < vocabulary ? first : undefined;
}
