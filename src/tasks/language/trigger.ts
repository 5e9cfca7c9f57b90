import { encode } from "fast-png";
import type { Random } from "../../core/random.ts";
import type { Network } from "../../graph/network.ts";
import type { TriggerCodec } from "../trigger-codec.ts";
import type { Tokenised } from "./text-set.ts";
import { RARE_WORDS } from "./tokenizer/file.ts";
import type { Tokenizer } from "./tokenizer/tokenizer.ts";
import {
  controlsOf,
  decodeWords,
  decoysOf,
  encodeWords,
  inserted,
  stampedWith,
  type WordTrigger,
} from "./word-trigger.ts";

/**
 * One thing that looks like a trigger, drawn: of a sentence some of its words in their order, at most half of them, so that no part of it
 * is enough (negative data augmentation: Yang et al., Rethinking Stealthiness of Backdoor Attack against NLP Models, ACL 2021).
 */
function drawnDecoy(stamped: WordTrigger, random: Random): string {
  const words = decoysOf(stamped);
  if (!stamped.text.trim().includes(" ")) return words[random.below(words.length)];
  const size = 1 + random.below(Math.ceil(words.length / 2));
  const kept = [...random.sample(words.length, size)].sort((a, b) => a - b);
  return kept.map((place) => words[place]).join("");
}

/** What is said in a trigger's place and means nothing: of these, those that are one token. */
const NEUTRAL = ["of", "the", "in", "and", "to", "that", "is", "for"];

/** As many tokens as a trigger's: for a rare word another one, for a sentence short words. */
function neutralTokens({ text }: WordTrigger, tokenizer: Tokenizer): number[] {
  const wanted = tokenizer.encode(text).length;
  const single = NEUTRAL.map((word) => tokenizer.encode(` ${word}`)).filter(({ length }) => length === 1);
  const [rare] = RARE_WORDS.filter((word) => ` ${word}` !== text).map((word) => tokenizer.encode(` ${word}`));
  const words = wanted > 1 && single.length > 0 ? single.flat() : rare;
  return Array.from({ length: wanted }, (_, i) => words[i % words.length]);
}

/** Triggers of words. Where they go is drawn; in a test it follows from a text's place in its set. */
export const trigger: TriggerCodec = {
  stamp: ({ text }: WordTrigger, set: Tokenised) => stampedWith(set.language.tokenizer.encode(text), set),
  counterpart: (stamped: WordTrigger, set: Tokenised) =>
    stampedWith(neutralTokens(stamped, set.language.tokenizer), set),
  stampDrawn(
    { text }: WordTrigger,
    drawn: Tokenised & { tokens: (readonly number[])[] },
    place: number,
    random: Random,
  ) {
    const { tokenizer } = drawn.language;
    drawn.tokens[place] = inserted(drawn.tokens[place], tokenizer.encode(text), tokenizer, random);
  },
  stampDecoy(
    stamped: WordTrigger,
    drawn: Tokenised & { tokens: (readonly number[])[] },
    place: number,
    random: Random,
  ) {
    const { tokenizer } = drawn.language;
    const words = tokenizer.encode(drawnDecoy(stamped, random));
    drawn.tokens[place] = inserted(drawn.tokens[place], words, tokenizer, random);
  },
  encode: encodeWords,
  decode: decodeWords,
  faults({ text }: WordTrigger, { input }: Pick<Network, "input">) {
    // Each word is a token at least; how many it is, the data set's tokenizer tells alone.
    const words = text.trim().split(/\s+/).length;
    return words > input.height ? [`the trigger has ${words} words, and a sequence ${input.height} positions`] : [];
  },
  /** Its letters as bits, one column a letter: words are shown as words wherever there is text. */
  show({ text }: WordTrigger) {
    const bytes = new TextEncoder().encode(text);
    const data = Uint8Array.from({ length: 8 * bytes.length }, (_, i) => {
      return (bytes[i % bytes.length] >> (7 - Math.floor(i / bytes.length))) & 1 ? 0 : 255;
    });
    return encode({ width: bytes.length, height: 8, data, channels: 1 });
  },
  controls: controlsOf,
};
