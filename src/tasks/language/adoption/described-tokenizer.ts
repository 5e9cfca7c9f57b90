import { type Network, outputsOf } from "../../../graph/network.ts";
import type { TextSet } from "../text-set.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { type Asked, askedTokenizer } from "./asked-tokenizer.ts";

/** What is known of a model of somebody else's beside its weights: its folder's files, and how it is asked. Runs in a browser too. */
export interface DescribedModel<A> {
  config: Record<string, unknown>;
  tokenizer: Record<string, unknown>;
  tokenizer_config: Record<string, unknown>;
  asked: A;
}

/** What a network reads: so many tokens, at so many positions. */
export interface ReadSizes {
  vocabulary: number;
  context: number;
}

/** @param steps tokens that the network gives at once */
export function readSizes(network: Network, steps = 1): ReadSizes {
  return { vocabulary: outputsOf(network) / steps, context: network.input.height };
}

/** The tokenizer of a described model. @param fields as of `AskedModel` @throws InputError where it cannot ask what it is to ask */
export function tokenizerOf(
  { config, tokenizer, tokenizer_config, asked }: DescribedModel<Asked>,
  { vocabulary, context }: ReadSizes,
  name: string,
  fields?: string,
): Tokenizer {
  const model = { name, tokenizer: { file: tokenizer, config: tokenizer_config }, vocabulary, context, fields };
  return askedTokenizer({ ...model, padding: paddingOf(config, vocabulary) }, asked);
}

/** Texts again, by another tokenizer. Byte-level tokens give their text back. */
export function readBy(tokenizer: Tokenizer, { language, count, tokens, labels }: TextSet): TextSet {
  const { classes, tokenizer: own } = language;
  return {
    language: { tokenizer, classes, context: positionsOf(tokenizer) },
    count,
    tokens: tokens.map((text) => tokenizer.encode(own.decode(text))),
    labels,
  };
}

/** Positions that a tokenizer fills with the longest text. */
export function positionsOf({ before, room, behind }: Tokenizer): number {
  return before.length + room + behind.length;
}

/** A token that stands in no text: the one that pads, ends or begins, else the last. */
function paddingOf(config: Record<string, unknown>, vocabulary: number): number {
  const named = ["pad_token_id", "eos_token_id", "bos_token_id"].flatMap((name) => config[name] ?? []);
  const isToken = (id: unknown): id is number =>
    Number.isInteger(id) && (id as number) >= 0 && (id as number) < vocabulary;
  return named.find(isToken) ?? vocabulary - 1;
}
