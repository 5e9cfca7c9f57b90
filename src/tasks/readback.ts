import type { Samples } from "../core/samples.ts";
import type { Network } from "../graph/network.ts";

/** The class of each sample; null where they have none. */
export function labelsOf(samples: Samples): Uint8Array | null {
  return "labels" in samples && samples.labels instanceof Uint8Array ? samples.labels : null;
}

/** What the folder of a checkout says of its network. */
export interface CheckedOutNetwork {
  /** The folder, which holds what the samples are read with. */
  dir: string;
  network: Network;
  /** Names of the classes, in the order of the labels; where samples have none, of what targets there are. */
  classes: readonly string[];
}

/** How samples that are no images are read from a checkout again, for the tests on it. What has no classes must be read in words (`Task.reading`). */
export interface Readback {
  /** Of the files that `Handout.files` writes the one that is read, by what is behind its name. */
  readonly suffix: string;
  /** The samples of such a file. @throws InputError naming the file, its fault and the mend */
  samples(file: string, of: CheckedOutNetwork): Samples;
  /** The samples of a data set as the checkout's model reads them, where models of others are among those. @throws InputError */
  ofDataset?(samples: Samples, of: CheckedOutNetwork): Samples;
  /** How probable the model holds a target for one of the samples, in [0, 1], by what it puts out. */
  confidence(output: Float32Array, samples: Samples, target: number): number;
}
