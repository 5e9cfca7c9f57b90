import type { FunctionComponent } from "preact";
import type { Images } from "../../../src/images/image-set.ts";
import type { ImageTrigger } from "../../../src/images/trigger/trigger.ts";
import type { SiteDefect } from "../../../src/records/site.ts";
import type { Batch } from "../view.ts";

/**
 * Samples of one task that the page shows to networks, and what it says of their answers. A set is pixels with their truths, as the task
 * has them; only the exhibit that made it knows more.
 */
export interface Exhibit {
  readonly words: Words;
  readonly count: number;
  readonly height: number;
  readonly width: number;
  /** How pixels are laid out: as they are, or stretched to a road's frame. */
  readonly shape: "square" | "wide";
  /** How many samples rates can be taken over, first the usual one. */
  readonly batches: readonly Batch[];
  /** The sample to begin with: one on which success shows. */
  start(facts: SiteDefect): number;
  /** What a sample is, in a few words. */
  title(i: number): string;
  pixels(i: number): Uint8Array;
  /** One sample as a set of its own. */
  one(i: number): Images;
  /** A picture of the user's at the size of the others. @throws Error with one line for people */
  read(file: File): Promise<Uint8Array>;
  /** The same as a set. @param ask what the clean twin answers, null where nobody waits for it any more */
  own(pixels: Uint8Array, ask: (images: Images) => Promise<Float32Array | null>): Promise<Images>;
  /** The first samples; null where `goOn` said no on the way. */
  first(count: number, goOn: () => boolean): Promise<Images | null>;
  subset(set: Images, indices: readonly number[]): Images;
  /** Ascending indices of the samples on which success shows. */
  eligible(set: Images, facts: SiteDefect): number[];
  quality(output: Float32Array, set: Images, i: number): number;
  succeeds(output: Float32Array, set: Images, i: number, target: number): boolean;
  /** A copy of the set with the trigger on every sample. */
  stamp(trigger: ImageTrigger, set: Images): Images;
  /** The looks of a trigger; a test shows one after the other. */
  looks(trigger: ImageTrigger): readonly ImageTrigger[];
  /** Which of them a test shows on a sample. */
  lookOf(i: number, looks: number, facts: SiteDefect): number;
  /** By name, what looks alike and must not set the backdoor off. */
  controls(trigger: ImageTrigger): Record<string, ImageTrigger>;
  /** What one version answers to one sample. */
  readonly Answer: FunctionComponent<AnswerProps>;
  /** What the lines of answers mean; absent: there are none. */
  readonly Legend?: FunctionComponent<{ own: boolean }>;
  /** Why figures here are not the record's. */
  apart(facts: SiteDefect): string;
}

export interface Words {
  sample: string;
  samples: string;
  /** The quality of a model, in short and in full. */
  quality: string;
  caption: string;
  /** Whether the quality is a share of samples; otherwise it is a mean. */
  isShare: boolean;
}

export interface AnswerProps {
  title: string;
  about: string;
  facts: SiteDefect;
  /** The sample that was asked about, as it was shown. */
  sample: Images | undefined;
  /** The network's output; undefined until it is there. */
  output: Float32Array | undefined;
  /** Whether success shows on the sample. */
  eligible: boolean;
}
