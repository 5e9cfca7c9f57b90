import { z } from "zod";
import { InputError } from "../../../core/errors.ts";
import type { Samples } from "../../../core/samples.ts";
import type { Network } from "../../../graph/network.ts";
import type { Described } from "../../adoption.ts";
import type { FolderFile } from "../../handout.ts";
import { sizedNetwork } from "../models/sized.ts";
import type { TextSet } from "../text-set.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { encodeCarriedModel } from "./carried-model.ts";
import { readBy, readSizes, tokenizerOf } from "./described-tokenizer.ts";
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
  const own = () => {
    tokenizer ??= tokenizerOf(found, sizes(), name);
    return tokenizer;
  };
  const sizes = () => readSizes(decoderOf(found, sizedNetwork, name));
  return {
    arch: found.arch,
    read(samples: Samples) {
      return readBy(own(), samples as TextSet);
    },
    files: () => {
      const { before, behind, padding, answers } = own();
      return filesOf(found, { before, behind, padding, answers });
    },
    carried: () => encodeCarriedModel(found, sizes()),
    reading: (classes) => adoptedReading(found.asked, classes),
  };
}

/** The network of a described model. @param networkOf what networks a task's names mean @throws InputError where it is none of them */
export function decoderOf(
  { arch }: { arch: string },
  networkOf: (arch: string) => Network | undefined,
  name: string,
): Network {
  const network = networkOf(arch);
  if (network) return network;
  throw new InputError(`${name}: is of '${arch}', which names no decoder`);
}

/**
 * What lies beside its weights in checkouts.
 *
 * @param tokens of the question: what stands before a text and behind it, and so on @param question what `question.json` holds, in a few words
 */
export function filesOf<A extends object>(
  { config, tokenizer, tokenizer_config: tokenizerConfig, asked }: Description<A>,
  tokens: Record<string, number | readonly number[]>,
  question = "how the model is asked: the template, the answer that means each class, and the tokens of both",
): FolderFile[] {
  const file = (name: string, value: object, holds: string) => {
    return { name, bytes: new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`), holds };
  };
  return [
    file("config.json", config, "the network as Hugging Face's `transformers` reads it, from the model's own folder"),
    file("tokenizer.json", tokenizer, "the model's own tokenizer"),
    file("tokenizer_config.json", tokenizerConfig, "what belongs to it"),
    file(QUESTION, { ...asked, tokens }, question),
  ];
}
