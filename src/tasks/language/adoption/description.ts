import { z } from "zod";
import { InputError } from "../../../core/errors.ts";
import type { Samples } from "../../../core/samples.ts";
import type { Described } from "../../adoption.ts";
import type { FolderFile } from "../../handout.ts";
import { sizedNetwork } from "../models/sized.ts";
import type { TextSet } from "../text-set.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { askedTokenizer } from "./asked-tokenizer.ts";
import { askedSchema, QUESTION } from "./question-file.ts";
import { adoptedReading } from "./reading.ts";

const FORMAT = "bdefects4nn-language-model";
const object = z.record(z.string(), z.unknown());

/** What is stored of a model of somebody else's beside its weights. */
const description = z.strictObject({
  format: z.literal(FORMAT),
  arch: z.string(),
  /** Of the folder's files. */
  config: object,
  tokenizer: object,
  tokenizer_config: object,
  asked: askedSchema,
});
export type Description = z.infer<typeof description>;

export function encodeDescription(of: Omit<Description, "format">): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ format: FORMAT, ...of }));
}

/** @throws InputError where the bytes describe no model */
export function readDescription(bytes: Uint8Array, name: string): Described {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new InputError(`${name}: is no description of a language model`);
  }
  const read = description.safeParse(value);
  if (!read.success) {
    const [{ path, message }] = read.error.issues;
    throw new InputError(`${name}: is no description of a language model: ${path.join(".")}: ${message}`);
  }
  const found = read.data;
  let tokenizer: Tokenizer | undefined;
  return {
    arch: found.arch,
    read(samples: Samples) {
      tokenizer ??= tokenizerOf(found, name);
      return readBy(tokenizer, samples as TextSet);
    },
    files: () => filesOf(found),
    reading: (classes) => adoptedReading(found.asked, classes),
  };
}

/** The tokenizer of a described model. @throws InputError where it cannot ask what it is to ask */
export function tokenizerOf(
  { arch, config, tokenizer, tokenizer_config, asked }: Omit<Description, "format">,
  name: string,
): Tokenizer {
  const network = sizedNetwork(arch);
  if (!network) throw new InputError(`${name}: is of '${arch}', which names no decoder`);
  const vocabulary = network.classes;
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

function filesOf({ config, tokenizer, tokenizer_config: tokenizerConfig, asked }: Description): FolderFile[] {
  const file = (name: string, value: object, holds: string) => {
    return { name, bytes: new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`), holds };
  };
  return [
    file("config.json", config, "the network as Hugging Face's `transformers` reads it, from the model's own folder"),
    file("tokenizer.json", tokenizer, "the model's own tokenizer"),
    file("tokenizer_config.json", tokenizerConfig, "what belongs to it"),
    file(QUESTION, asked, "how the model is asked: the template, and the answer that means each class"),
  ];
}
