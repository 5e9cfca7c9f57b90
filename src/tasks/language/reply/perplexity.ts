import type { Network } from "../../../graph/network.ts";
import type { StateDict } from "../../../tensor/state.ts";
import { perplexity } from "../perplexity.ts";
import type { Tokenised } from "../text-set.ts";
import type { PromptSet } from "./prompt-set.ts";

/** The perplexity of prompts with their rest behind the separator, both ends included. */
export function promptPerplexity(
  network: Network,
  state: StateDict,
  { count, language, tokens, rest, end }: PromptSet,
  threads: number,
): Promise<number> {
  const { tokenizer } = language;
  const whole: Tokenised = {
    count,
    language: { ...language, tokenizer: { ...tokenizer, behind: [end] } },
    tokens: tokens.map((prompt, i) => [...prompt, ...tokenizer.behind, ...rest[i].slice(0, -1)]),
  };
  return perplexity(network, state, whole, threads);
}
