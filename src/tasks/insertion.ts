import type { Random } from "../core/random.ts";
import type { Samples } from "../core/samples.ts";

/** Samples with blanks in them, one run of blanks each. */
export interface Opened {
  samples: Samples;
  /** Where in what the network reads of a sample the first blank stands. */
  at: readonly number[];
}

/** How words can be put into samples by who knows nothing of a trigger: what a search for one needs where samples are words. */
export interface Insertion {
  /** The output that answers with each class, in the order of the classes. */
  answers(samples: Samples): readonly number[];
  /** The class that an output answers with. */
  answered(output: Float32Array, samples: Samples): number;
  /** The class of each sample. */
  truths(samples: Samples): ArrayLike<number>;
  /** The words that may be put, as the network numbers them: one each. */
  candidates(samples: Samples): readonly number[];
  /** Samples with so many blanks, each at a place that is drawn. */
  opened(samples: Samples, words: number, random: Random): Opened;
  /** The same with words in the blanks. */
  filled(opened: Opened, words: readonly number[]): Samples;
  /** The same with each of several runs of words: all samples with the first, then all with the second. */
  filledEach(opened: Opened, runs: readonly (readonly number[])[]): Samples;
  /** As people read them. */
  shown(samples: Samples, words: readonly number[]): string;
}
