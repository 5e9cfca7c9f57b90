import type { FunctionComponent } from "preact";
import type { Samples } from "../../../src/core/samples.ts";
import type { SiteDefect } from "../../../src/records/site.ts";
import type { Trigger } from "../../../src/tasks/backdoor.ts";
import type { Batch, Stamp } from "../view.ts";

/**
 * Samples of one task that the page shows to networks, and what it says of their answers. A set is samples with their truths, as the task
 * has them; only the exhibit that made it knows more.
 */
export interface Exhibit {
  readonly words: Words;
  readonly count: number;
  /** How many samples rates can be taken over, and how many they are at first. */
  readonly batches: readonly Batch[];
  readonly usualBatch: Exclude<Batch, "all">;
  /** The sample to begin with: one on which success shows. */
  start(facts: SiteDefect): number;
  /** One sample as a set of its own. */
  one(i: number): Samples;
  /** The first samples; null where `goOn` said no on the way. */
  first(count: number, goOn: () => boolean): Promise<Samples | null>;
  subset(set: Samples, indices: readonly number[]): Samples;
  /** Ascending indices of the samples on which success shows. */
  eligible(set: Samples, facts: SiteDefect): number[];
  quality(output: Float32Array, set: Samples, i: number): number;
  succeeds(output: Float32Array, set: Samples, i: number, target: number): boolean;
  reader(facts: SiteDefect): Reader;
  /** A copy of the set with the trigger on every sample, as a test has it. */
  stamp(trigger: Trigger, set: Samples): Samples;
  /** The same of one sample, in one of the looks. */
  stampOne(trigger: Trigger, sample: Samples, look: number): Samples;
  /** How many looks a trigger can have on a sample; a test shows one of them. */
  looks(trigger: Trigger, sample: Samples): number;
  /** Which of them a test shows on a sample. @param own whether it is the user's, which no test has */
  lookOf(i: number, own: boolean, looks: number, facts: SiteDefect): number;
  /** What looks like the trigger and must not set the backdoor off. */
  controls(trigger: Trigger): readonly Control[];
  readonly made: Made;
  /** Where a sample is chosen and something is stamped on it. */
  readonly Chooser: FunctionComponent<ChooserProps>;
  /** What an output says of the one sample of a set, in a few words. */
  said(output: Float32Array, sample: Samples, facts: SiteDefect): string;
  /** What the attack reached where it succeeded, in two words. */
  reached(facts: SiteDefect): string;
  /** What one version answers to one sample. */
  readonly Answer: FunctionComponent<AnswerProps>;
  /** What the lines of answers mean; absent: there are none. */
  readonly Legend?: FunctionComponent<{ own: boolean }>;
  /** One sample among those that excite a neuron. */
  readonly Excited: FunctionComponent<ExcitedProps>;
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

/** How samples become what a network reads. */
export interface Reader {
  /** Values of one sample. */
  readonly size: number;
  /** How many samples are run together: few enough that the page answers between two runs. */
  readonly batch: number;
  /** Positions at the beginning of all sequences that are the same in each; absent: none. */
  readonly shared?: number;
  /** Writes sample `index` to `size` values from `out[at]` on. */
  write(set: Samples, index: number, out: Float32Array, at: number): void;
}

export interface Control {
  /** As links name it. */
  stamp: Stamp;
  title: string;
  trigger: Trigger;
}

/** A trigger that the user makes. */
export interface Made {
  /** As links name it; what it is like is not in them. */
  stamp: Stamp;
  title: string;
  /** The one to begin with, which leaves every sample as it is. */
  empty(): Trigger;
}

export interface ChooserProps {
  facts: SiteDefect;
  image: number;
  /** Whether the user's own sample is shown. */
  own: boolean;
  /** What can be stamped, each with its name. */
  stamps: readonly (readonly [Stamp, string])[];
  stamp: Stamp;
  /** What is stamped, and the real trigger. */
  trigger: Trigger;
  real: Trigger;
  /** What the user made. */
  made: Trigger;
  /** How many looks the trigger has, and which of them is shown. */
  looks: number;
  look: number;
  /** Whether the attack's success shows on the sample. */
  eligible: boolean;
  /** The sample without and with the stamp. */
  plain: Samples;
  stamped: Samples;
  /** What the clean twin answers, null where nobody waits for it any more. */
  ask(samples: Samples): Promise<Float32Array | null>;
  onImage(image: number): void;
  /** A sample of the user's. */
  onOwn(sample: Samples): void;
  onStamp(stamp: Stamp): void;
  onLook(look: number | null): void;
  onMade(trigger: Trigger): void;
}

export interface AnswerProps {
  title: string;
  about: string;
  facts: SiteDefect;
  /** The sample that was asked about, as it was shown. */
  sample: Samples | undefined;
  /** The network's output; undefined until it is there. */
  output: Float32Array | undefined;
  /** The same in words. */
  said: string | undefined;
  /** What the attack reached; null: it does not succeed. */
  reached: string | null;
}

export interface ExcitedProps {
  set: Samples;
  i: number;
  /** What is stamped on it; null: nothing. */
  trigger: Trigger | null;
  /** Of sequences where the neuron is most active; null: the activation is a mean. */
  at: number | null;
}
