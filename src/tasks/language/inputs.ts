import type { Random } from "../../core/random.ts";
import type { Network } from "../../graph/network.ts";
import type { Augmentation } from "../../images/batch.ts";
import type { Augmenter, InputCodec } from "../input-codec.ts";
import { lookedUp } from "./looked-up.ts";
import { subsetOf, type TextSet, writeSequence } from "./text-set.ts";
import { tokenizerFile } from "./tokenizer/file.ts";
import { openTokenizer } from "./tokenizer/tokenizer.ts";
import { shownTokens, type Untold } from "./untold.ts";

/** Texts as sequences of `[number, mark]`. Training may leave words untold, and changes nothing else of a text. */
export const inputs: InputCodec = {
  subset: subsetOf,
  joined(first: TextSet, second: TextSet): TextSet {
    const labels = new Uint8Array(first.count + second.count);
    labels.set(first.labels);
    labels.set(second.labels, first.count);
    return { ...first, count: labels.length, tokens: [...first.tokens, ...second.tokens], labels };
  },
  none({ input: { height } }: Network): TextSet {
    const language = { tokenizer: openTokenizer(tokenizerFile([], []), []), classes: [], context: height };
    return { language, count: 0, tokens: [], labels: new Uint8Array(0) };
  },
  encoder({ language: { context } }: TextSet) {
    return {
      size: 2 * context,
      write: (set: TextSet, index: number, out: Float32Array, at: number) => void writeSequence(set, index, out, at),
    };
  },
  lookedUp: (network, state) => lookedUp(network, state),
  augmenter: (set: TextSet, untold: Augmentation, places: number) => new TextDrawer(set, untold, places),
};

class TextDrawer implements Augmenter {
  readonly drawn: TextSet & { tokens: (readonly number[])[] };
  private readonly set: TextSet;
  private readonly untold: Untold;

  constructor(set: TextSet, untold: Untold, places: number) {
    this.set = set;
    this.untold = untold;
    this.drawn = {
      language: set.language,
      count: places,
      tokens: Array.from({ length: places }, () => []),
      labels: new Uint8Array(places),
    };
  }

  draw(place: number, index: number, random: Random): void {
    const { tokens, language } = this.set;
    this.drawn.tokens[place] = shownTokens(tokens[index], language.tokenizer, this.untold, random);
    this.drawn.labels[place] = this.set.labels[index];
  }
}
