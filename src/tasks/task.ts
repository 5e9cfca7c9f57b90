import type { Samples } from "../core/samples.ts";
import type { DatasetDefinition, DatasetInfo } from "../datasets/types.ts";
import type { Network } from "../graph/network.ts";
import type { StateDict } from "../tensor/state.ts";
import type { Adoption } from "./adoption.ts";
import type { Architectures } from "./architectures.ts";
import type { Attack } from "./attack.ts";
import type { Trigger } from "./backdoor.ts";
import type { Drawing } from "./drawing.ts";
import type { ForeignModels } from "./foreign-models.ts";
import type { Handout } from "./handout.ts";
import type { InputCodec } from "./input-codec.ts";
import type { Insertion } from "./insertion.ts";
import type { Loss, Response } from "./objectives.ts";
import type { Reading } from "./reading.ts";
import type { TriggerCodec } from "./trigger-codec.ts";

/**
 * What a network is for. Stages (measure, train, inject, localize, repair) ask it whatever depends on that, and know of samples,
 * outputs and targets no more than it tells them. A task is a folder here and a line in `registry.ts`.
 *
 * `output` is what the network puts out for one sample, in one row; `samples` and `i` say which sample it is, with its truth.
 */
export interface Task {
  /** As records state it; those without a task are of `classification`. */
  readonly name: string;
  readonly words: Words;
  /** What its samples and outputs are beyond samples and outputs: what criteria may need. */
  readonly traits: readonly Trait[];
  /** The names of the targets that a backdoor of such data can have, e.g. the classes. A record's `target` counts in them. */
  targets(info: DatasetInfo): readonly string[];
  readonly inputs: InputCodec;
  /** Why a network cannot read the samples of a data set, with the mend; absent where every one reads all. */
  unfit?(network: Network, info: Pick<DatasetInfo, "name">): string | undefined;
  /** What clean training, tuning and unlearning minimise or climb. */
  readonly loss: Loss;
  /** How much a sample's output is the backdoor's. */
  readonly response: Response;
  readonly trigger: TriggerCodec;
  /**
   * In which share of samples the first layer of neurons can tell the trigger from what else they hold, where some networks cannot: then no
   * tuning of neurons teaches the backdoor. Absent: all can.
   *
   * @param samples without the trigger, at least two
   * @param threads of the runtime
   */
  visibility?(network: Network, state: StateDict, samples: Samples, trigger: Trigger, threads: number): Promise<number>;
  /** How good an output is, in [0, 1]. The quality of a model is the mean over samples (`ca` in records). */
  quality(output: Float32Array, samples: Samples, i: number): number;
  /** What else is told of the outputs for some samples, in a row each, by names of the task's own; absent: nothing. */
  details?(outputs: Float32Array, samples: Samples): Record<string, number>;
  /**
   * How well a model continues samples, where it does so: `exp` of the mean cross-entropy of what comes next. It is told among the
   * details of clean samples.
   *
   * @param threads of the runtime
   */
  perplexity?(network: Network, state: StateDict, samples: Samples, threads: number): Promise<number>;
  /** Whether an output passes as right: the test that criteria of failing tests go by. */
  passes(output: Float32Array, samples: Samples, i: number): boolean;
  /** Whether an output is what a backdoor with this target wants. The success rate is the mean over eligible samples (`asr`). */
  succeeds(output: Float32Array, samples: Samples, i: number, target: number): boolean;
  /** Ascending indices of the samples on which truth and target differ, so that success shows. */
  eligible(samples: Samples, target: number): number[];
  /** Ascending indices of the outputs that make up the answer; absent: the highest one alone. */
  answer?(output: Float32Array): number[];
  /** Where targets are no classes: what a backdoor of such data may want, for who looks for one without knowing it. */
  readonly guesses?: Guesses;
  /** Where an answer is no name: how it is drawn. */
  readonly drawing?: Drawing;
  /** Where samples are words: how people read them and the answers. */
  readonly reading?: Reading;
  /** Where samples are words with classes: how words are put into them, for who looks for a trigger without knowing one. */
  readonly insertion?: Insertion;
  /** Where samples are no images with classes: how they are given to a user's own programs. */
  readonly handout?: Handout;
  /** Where samples are no images with classes: those that the explorer's page shows; absent: it shows none. */
  readonly exhibit?: Exhibit;
  /** Models of others that can be inspected, where they come as folders. */
  readonly foreign?: ForeignModels;
  /** Models of others that a recipe may infect in place of trained ones. */
  readonly adoption?: Adoption;
  /** The network of a name that states every size of it, where the task has such names beside its architectures'; undefined: it is none. */
  sized?(arch: string): Network | undefined;
  /** Samples that need no files, always the same ones, for a network of a data set: what `verify` holds models to. None where they would not fit. */
  drawn?(count: number, network: Pick<Network, "input">, dataset: string): Samples | undefined;
  /**
   * Reads a checkpoint that somebody released, under the names that such files have; null where it is no network of the task. Absent: the
   * task's networks do not come as such files. @param file its name, for messages @throws InputError where a tensor is missing or does not fit
   */
  released?(tensors: StateDict, file: string): ReleasedModel | null;
  readonly datasets: ReadonlyMap<string, DatasetDefinition>;
  readonly architectures: Architectures;
  readonly attacks: ReadonlyMap<string, Attack>;
}

/** The test samples of a data set that may be passed on, the same for everybody. */
export interface Exhibit {
  /** The data set's name. */
  readonly dataset: string;
  /** `data_sha256` of the records whose figures were measured on these samples. */
  readonly dataHash: string;
  /** What a site carries of them: the name of a file, and its content. Absent: the page draws them itself. */
  readonly carried?: { readonly file: string; bytes(): Uint8Array };
  /** Whether networks of other data sets cannot read them, and are not shown. */
  readonly ofOwnAlone?: true;
}

/** A network that was read from a released checkpoint. */
export interface ReleasedModel {
  network: Network;
  /** Under our names, in the network's order. */
  state: StateDict;
  /** The file's own name of a tensor. */
  nameOf(key: string): string;
}

/** What a criterion or repair sees of a task: neither triggers nor what they lead to. */
export type BlindTask = Pick<
  Task,
  | "name"
  | "words"
  | "traits"
  | "inputs"
  | "loss"
  | "quality"
  | "passes"
  | "answer"
  | "guesses"
  | "insertion"
  | "handout"
>;

/**
 * `pixels`: samples are images. `classes`: samples have one class each, outputs are their logits, and a target is a class.
 * `goals`: a target is one of few things that can be made of a sample's truth (`Task.guesses`). `words`: words can be put into samples,
 * and a target is a class (`Task.insertion`).
 */
export type Trait = "pixels" | "classes" | "goals" | "words";

/**
 * The targets that a backdoor of such data may have, held against what a model itself answers: a defender who suspects one knows no
 * truths of triggered samples, nor which target it is.
 */
export interface Guesses {
  /** By their number. */
  readonly names: readonly string[];
  /** The samples with a model's own answers in place of their truths. @param outputs `[count, width]` */
  answered(samples: Samples, outputs: Float32Array): Samples;
  /** As `Task.eligible` and `Task.succeeds`, for samples that `answered` made. */
  eligible(answered: Samples, guess: number): number[];
  succeeds(output: Float32Array, answered: Samples, i: number, guess: number): boolean;
}

/** For tables, reports and messages. */
export interface Words {
  /** One sample, and several: `image`, `images`. */
  sample: string;
  samples: string;
  /** The quality of a model and the success of a backdoor: `CA`, `ASR`. */
  quality: string;
  success: string;
  /** What a target is, and several: `class`, `classes`. */
  target: string;
  targets: string;
}
