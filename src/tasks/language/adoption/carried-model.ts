import { InputError } from "../../../core/errors.ts";
import type { DescribedModel, ReadSizes } from "./described-tokenizer.ts";

/** What a site carries of a model of somebody else's, so that its page can give it texts. */
export type CarriedModel<A> = DescribedModel<A> & ReadSizes & { kind: "asked" };

export function encodeCarriedModel<A>(
  { config, tokenizer, tokenizer_config, asked }: DescribedModel<A>,
  sizes: ReadSizes,
): Uint8Array {
  const carried: CarriedModel<A> = { kind: "asked", config, tokenizer, tokenizer_config, asked, ...sizes };
  return new TextEncoder().encode(JSON.stringify(carried));
}

/** What every question has. */
interface Question {
  template: string;
}

/** @throws InputError where the text is no such file */
export function readCarriedModel<A extends Question>(json: string, name: string): CarriedModel<A> {
  const refused = new InputError(`${name}: describes no language model`);
  let read: Partial<CarriedModel<A>> | null;
  try {
    read = JSON.parse(json);
  } catch {
    throw refused;
  }
  const { kind, config, tokenizer, tokenizer_config, asked, vocabulary, context } = read ?? {};
  const areObjects = [config, tokenizer, tokenizer_config, asked].every((part) => isObject(part));
  const areCounts = [vocabulary, context].every((size) => Number.isSafeInteger(size) && (size as number) > 0);
  if (kind !== "asked" || !areObjects || !areCounts || typeof asked!.template !== "string") throw refused;
  return read as CarriedModel<A>;
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
