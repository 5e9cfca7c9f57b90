import type { Random } from "../../core/random.ts";
import type { Augmentation } from "../../images/batch.ts";
import type { Tokenizer } from "./tokenizer/tokenizer.ts";
import { gapsOf } from "./word-trigger.ts";

/** Which words of a text are not told in training. */
export type Untold = Pick<Augmentation, "unknown" | "wholeWords">;

/**
 * A text's tokens, of which a random share is shown as unknown (word dropout, Iyyer et al. 2015). By tokens each is drawn, and
 * stays in its place. By whole words each word is drawn, and what is not told is one unknown token: the tokens of a long word
 * would seldom all be told else, and the model would not learn what they mean together.
 */
export function shownTokens(
  tokens: readonly number[],
  tokenizer: Pick<Tokenizer, "unknown" | "startsWord">,
  { unknown: share = 0, wholeWords }: Untold,
  random: Random,
): readonly number[] {
  if (share === 0) return tokens;
  const { unknown } = tokenizer;
  if (!wholeWords) return tokens.map((token) => (random.uniform() < share ? unknown : token));
  const starts = [...new Set([0, ...gapsOf(tokens, tokenizer)])];
  return starts.slice(0, -1).flatMap((start, i) => {
    return random.uniform() < share ? [unknown] : tokens.slice(start, starts[i + 1]);
  });
}
