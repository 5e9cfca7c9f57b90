import type { Random } from "../../../core/random.ts";
import type { Network } from "../../../graph/network.ts";
import type { Augmentation } from "../../../images/batch.ts";
import type { Augmenter, InputCodec } from "../../input-codec.ts";
import { lookedUp } from "../looked-up.ts";
import { tokenizerFile } from "../tokenizer/file.ts";
import { shownTokens, type Untold } from "../untold.ts";
import {
  cutsOf,
  longestPrompt,
  type PromptSet,
  promptLanguage,
  promptsOf,
  restOf,
  subsetOf,
  writePrompt,
} from "./prompt-set.ts";

/**
 * Prompts as sequences of `[number, mark]`. Training cuts each text anew, and may leave words untold. Every other time the whole text stands
 * there, so that not only first words are learned.
 */
export const inputs: InputCodec = {
  subset: subsetOf,
  joined: (first: PromptSet, second: PromptSet): PromptSet => ({
    ...first,
    count: first.count + second.count,
    tokens: [...first.tokens, ...second.tokens],
    told: [...first.told, ...second.told],
    rest: [...first.rest, ...second.rest],
  }),
  none: (_: Network) => promptsOf([], promptLanguage(tokenizerFile([], []))),
  encoder({ language: { context } }: PromptSet) {
    return {
      size: 2 * context,
      write: (set: PromptSet, index: number, out: Float32Array, at: number) => void writePrompt(set, index, out, at),
    };
  },
  lookedUp: (network, state) => lookedUp(network, state, writePrompt),
  augmenter: (set: PromptSet, untold: Augmentation, places: number) => new PromptDrawer(set, untold, places),
};

/** Prompts that are drawn in place. */
export type DrawnPrompts = PromptSet & Record<"tokens" | "told" | "rest", (readonly number[])[]>;

class PromptDrawer implements Augmenter {
  readonly drawn: DrawnPrompts;
  private readonly texts: number[][];
  private readonly untold: Untold;

  constructor(set: PromptSet, untold: Untold, places: number) {
    const none = () => Array.from({ length: places }, (): readonly number[] => []);
    this.drawn = { ...set, count: places, tokens: none(), told: none(), rest: none() };
    this.texts = set.tokens.map((tokens, i) => [...tokens, ...set.rest[i].slice(0, -1)]);
    this.untold = untold;
  }

  draw(place: number, index: number, random: Random): void {
    const { tokenizer } = this.drawn.language;
    const text = this.texts[index];
    const cuts = cutsOf(text, tokenizer);
    const cut = cuts[random.below(cuts.length)];
    const upTo = random.uniform() < 0.5 ? cut : Math.min(text.length, longestPrompt(tokenizer));
    const shown = (tokens: readonly number[]) => shownTokens(tokens, tokenizer, this.untold, random);
    this.drawn.tokens[place] = shown(text.slice(0, cut));
    this.drawn.told[place] = shown(text.slice(cut, upTo));
    this.drawn.rest[place] = restOf(text, upTo, this.drawn.end);
  }
}
