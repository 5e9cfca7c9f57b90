import type { z } from "zod";
import type { Samples } from "../core/samples.ts";
import type { Dataset } from "../datasets/types.ts";
import type { StateDict } from "../tensor/state.ts";
import type { FolderFile } from "./handout.ts";

/** Models of others that a recipe takes for its clean models (`clean.from`), which come as folders. */
export interface Adoption {
  /** Schema of what a recipe says of such a model beside its folder (`clean.asked`). */
  readonly settings: z.ZodType<Record<string, unknown>>;
  /** SHA-256 of the files that such a model consists of. @throws InputError where the folder is none */
  hash(folder: string): string;
  /**
   * Opens a folder, of which no weights are read yet.
   *
   * @param asked what the recipe says, checked by the schema @param targets how many a backdoor of the data set can have
   * @throws InputError naming the file, or the recipe's field behind `clean.asked`
   */
  open(folder: string, asked: Record<string, unknown>, targets: number): Adopted;
  /** What a stored description says. @param name of it, for messages @throws InputError where it says nothing */
  described(description: Uint8Array, name: string): Described;
}

/** A model in a folder. */
export interface Adopted {
  /** Its architecture by name, from which the network is built. */
  readonly arch: string;
  /** All that is needed to give it samples and to pass it on, but for its weights. */
  readonly description: Uint8Array;
  /** Its weights by our names. @throws InputError where a file is cut or holds what is no weight */
  state(): StateDict;
}

/** A data set as such a model reads it. */
export function asReadBy<D extends Dataset>(dataset: D, { read }: Pick<Described, "read">): D {
  const { train, cleanVal, test } = dataset;
  return { ...dataset, train: read(train), cleanVal: read(cleanVal), test: read(test) };
}

/** What is known of such a model without its folder. */
export interface Described {
  readonly arch: string;
  /** Samples of a data set as the model reads them. */
  read(samples: Samples): Samples;
  /** What lies beside its weights in checkouts. */
  files(): FolderFile[];
  /** What a site carries so that its page can give it samples. @throws InputError where it cannot be given any */
  carried(): Uint8Array;
  /** A README's words on its use and its neurons, as Markdown. @param targets their names */
  reading(targets: readonly string[]): string;
}
