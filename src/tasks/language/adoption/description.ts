import { z } from "zod";
import { InputError } from "../../../core/errors.ts";
import type { Samples } from "../../../core/samples.ts";
import { type Network, outputsOf } from "../../../graph/network.ts";
import type { Described } from "../../adoption.ts";
import type { FolderFile } from "../../handout.ts";
import { sizedNetwork } from "../models/sized.ts";
import type { TextSet } from "../text-set.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { type Asked, askedTokenizer } from "./asked-tokenizer.ts";
import { askedSchema, QUESTION } from "./question-file.ts";
import { adoptedReading } from "./reading.ts";

const FORMAT = "bdefects4nn-language-model";
const object = z.record(z.string(), z.unknown());

const parts = z.strictObject({
  format: z.literal(FORMAT),
  arch: z.string(),
  /** Of the folder's files. */
  config: object,
  tokenizer: object,
  tokenizer_config: object,
});

/** What is stored of a model of somebody else's beside its weights, with how it is asked. */
export type Description<A> = z.infer<typeof parts> & { asked: A };

export function encodeDescription<A>(of: Omit<Description<A>, "format">): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ format: FORMAT, ...of }));
}

/** @param asked the form of a question @throws InputError where the bytes describe no model */
export function decodeDescription<A>(asked: z.ZodType<A>, bytes: Uint8Array, name: string): Description<A> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new InputError(`${name}: is no description of a language model`);
  }
  const read = parts.extend({ asked }).safeParse(value);
  if (read.success) return read.data as Description<A>;
  const [{ path, message }] = read.error.issues;
  throw new InputError(`${name}: is no description of a language model: ${path.join(".")}: ${message}`);
}

/** @throws InputError where the bytes describe no model */
export function readDescription(bytes: Uint8Array, name: string): Described {
  const found = decodeDescription(askedSchema, bytes, name);
  let tokenizer: Tokenizer | undefined;
  return {
    arch: found.arch,
    read(samples: Samples) {
      tokenizer ??= tokenizerOf(found, sizedNetwork(found.arch), name);
      return readBy(tokenizer, samples as TextSet);
    },
    files: () => filesOf(found),
    reading: (classes) => adoptedReading(found.asked, classes),
  };
}

/**
 * The tokenizer of a described model.
 *
 * @param network of its name; undefined: there is none @param steps tokens that the network gives at once
 * @throws InputError where it cannot ask what it is to ask
 */
export function tokenizerOf(
  { arch, config, tokenizer, tokenizer_config, asked }: Omit<Description<Asked>, "format">,
  network: Network | undefined,
  name: string,
  steps = 1,
): Tokenizer {
  if (!network) throw new InputError(`${name}: is of '${arch}', which names no decoder`);
  const vocabulary = outputsOf(network) / steps;
  const model = { name, tokenizer: { file: tokenizer, config: tokenizer_config }, vocabulary };
  const padding = paddingOf(config, vocabulary);
  return askedTokenizer({ ...model, context: network.input.height, padding }, asked);
}

/** Texts again, by another tokenizer. Byte-level tokens give their text back. */
export function readBy(tokenizer: Tokenizer, { language, count, tokens, labels }: TextSet): TextSet {
  const { classes, tokenizer: own } = language;
  const context = tokenizer.before.length + tokenizer.room + tokenizer.behind.length;
  return {
    language: { tokenizer, classes, context },
    count,
    tokens: tokens.map((text) => tokenizer.encode(own.decode(text))),
    labels,
  };
}

/** A token that stands in no text: the one that pads, ends or begins, else the last. */
function paddingOf(config: Record<string, unknown>, vocabulary: number): number {
  const named = ["pad_token_id", "eos_token_id", "bos_token_id"].flatMap((name) => config[name] ?? []);
  const isToken = (id: unknown): id is number =>
    Number.isInteger(id) && (id as number) >= 0 && (id as number) < vocabulary;
  return named.find(isToken) ?? vocabulary - 1;
}

/** What lies beside its weights in checkouts. @param question what `question.json` holds, in a few words */
export function filesOf<A extends object>(
  { config, tokenizer, tokenizer_config: tokenizerConfig, asked }: Description<A>,
  question = "how the model is asked: the template, and the answer that means each class",
): FolderFile[] {
  const file = (name: string, value: object, holds: string) => {
    return { name, bytes: new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`), holds };
  };
  return [
    file("config.json", config, "the network as Hugging Face's `transformers` reads it, from the model's own folder"),
    file("tokenizer.json", tokenizer, "the model's own tokenizer"),
    file("tokenizer_config.json", tokenizerConfig, "what belongs to it"),
    file(QUESTION, asked, question),
  ];
}
