import type { Samples } from "../core/samples.ts";
import type { Network } from "../graph/network.ts";

/** Samples of one class each. */
export interface Labelled extends Samples {
  /** Class of each sample. */
  readonly labels: Uint8Array;
}

/** The same samples, for what is about classes. @throws Error where they have none */
export function asLabelled(samples: Samples): Labelled {
  if ("labels" in samples && samples.labels instanceof Uint8Array) return samples as Labelled;
  throw new Error("needs samples with classes, and was given others");
}

/** What the folder of a checkout says of its network. */
export interface CheckedOutNetwork {
  /** The folder, which holds what the samples are read with. */
  dir: string;
  network: Network;
  /** Names of the classes, in the order of the labels. */
  classes: readonly string[];
}

/** How samples with classes that are no images are read from a checkout again, for the tests on it. */
export interface Readback {
  /** Of the files that `Handout.files` writes the one that is read, by what is behind its name. */
  readonly suffix: string;
  /** The samples of such a file. @throws InputError naming the file, its fault and the mend */
  samples(file: string, of: CheckedOutNetwork): Labelled;
  /** The samples of a data set as the checkout's model reads them, where models of others are among those. @throws InputError */
  ofDataset?(samples: Labelled, of: CheckedOutNetwork): Labelled;
  /** The logit of each class in what the network puts out for one of the samples. */
  classLogits(output: Float32Array, samples: Samples): Float32Array;
}
