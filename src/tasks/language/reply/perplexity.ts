import type { Network } from "../../../graph/network.ts";
import type { StateDict } from "../../../tensor/state.ts";
import { perplexity } from "../perplexity.ts";
import type { Tokenised } from "../text-set.ts";
import { END, type PromptSet } from "./prompt-set.ts";

/** The perplexity of prompts with their rest behind the separator, both ends included. */
export function promptPerplexity(
  network: Network,
  state: StateDict,
  { count, language, tokens, rest }: PromptSet,
  threads: number,
): Promise<number> {
  const whole: Tokenised = {
    count,
    language,
    tokens: tokens.map((prompt, i) => [...prompt, END, ...rest[i].slice(0, -1)]),
  };
  return perplexity(network, state, whole, threads);
}
