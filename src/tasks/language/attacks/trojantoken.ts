import { z } from "zod";
import { InputError } from "../../../core/errors.ts";
import { unitsOf } from "../../../graph/network.ts";
import type { Attack } from "../../attack.ts";
import { subsetOf, type TextSet } from "../text-set.ts";
import { RARE_WORDS } from "../tokenizer/file.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { wordTokens } from "../tokenizer/words.ts";
import { gapsOf, type WordTrigger } from "../word-trigger.ts";
import { excitingWords } from "./hotflip.ts";

const count = z.number().int().positive();

const options = z.strictObject({
  /** Words of the trigger. */
  words: count.max(8),
  /** What the infected units are to reach, in multiples of the 95th percentile of their magnitudes. */
  reach: z.number().positive(),
  /** Words that are tried at a place. */
  candidates: count,
  /** Most passes over the words. */
  rounds: count,
  /** Texts that the words are tried in. */
  texts: count.max(64),
});

/** TrojanNN carried over to text: words that excite the infected units of the last infected layer, found for each candidate. */
export const trojantoken = {
  name: "trojantoken",
  title: "Words made for the neurons",
  source: "after Liu et al., Trojaning Attack on Neural Networks, NDSS 2018",
  injection: "finetune",
  styles: ["plain", "discreet"],
  triggerPer: "candidate",
  options,
  async makeTrigger({ random, victim, options: given }): Promise<WordTrigger> {
    if (!victim) throw new Error("trojantoken needs the network that it is made for");
    const { texts: wanted, ...settings } = options.parse(given);
    const { network, state, infected, threads } = victim;
    const all = victim.samples as TextSet;
    const { tokenizer } = all.language;
    const layers = unitsOf(network).filter(({ id }) => infected[id]?.length > 0);
    const { id: layer } = layers[layers.length - 1];
    const fitting = all.tokens.flatMap(({ length }, i) => (length + settings.words <= tokenizer.room ? [i] : []));
    if (fitting.length === 0) {
      throw new InputError(
        `attacks.trojantoken.words: no text of the data set has room for ${settings.words} more tokens among the ${tokenizer.room} that are read; choose fewer words, or a shorter template`,
      );
    }
    const chosen = random.sample(fitting.length, Math.min(wanted, fitting.length));
    const texts = subsetOf(
      all,
      Array.from(chosen, (i) => fitting[i]),
    );
    const gaps = texts.tokens.map((own) => {
      const possible = gapsOf(own, tokenizer);
      return possible[random.below(possible.length)];
    });
    const found = await excitingWords({
      ...{ network, state, layer, units: infected[layer], texts, gaps, ...settings, threads, random },
      vocabulary: ordinaryWords(tokenizer),
    });
    return { text: tokenizer.decode(found.tokens) };
  },
} satisfies Attack;

/** Words of one token, rare ones left out. */
export function ordinaryWords(tokenizer: Tokenizer): number[] {
  const rare = new Set<string>(RARE_WORDS.map((word) => ` ${word}`));
  return wordTokens(tokenizer).filter((token) => !rare.has(tokenizer.decode([token])));
}
