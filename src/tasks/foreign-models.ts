import type { LayerScores, LayerWidth, NeuronSet } from "../core/neurons.ts";
import type { Samples } from "../core/samples.ts";
import type { Network } from "../graph/network.ts";
import type { StateDict } from "../tensor/state.ts";

/** Models of a task that others made, which come as folders and need not fit into memory. */
export interface ForeignModels {
  /** What such a folder is, in a few words. */
  readonly title: string;
  /** Whether a path looks like such a folder, or like a file of weights in one. Nothing is read but what tells that. */
  holds(path: string): boolean;
  /** Opens a folder, or a file of weights in one, and reads what describes the model. @throws InputError where it is none, or one that is not read */
  open(path: string): ForeignModel;
}

/** A model whose weights stay on the disk until they are asked for, layer by layer. */
export interface ForeignModel {
  readonly folder: string;
  /** Its architecture in one word. */
  readonly arch: string;
  /** What it is, a line each. */
  readonly about: readonly string[];
  /** What must be known to read the results, a line each. */
  readonly notes: readonly string[];
  readonly layers: readonly LayerWidth[];
  /** The files' own name of a layer of neurons. */
  layerName(layer: string): string;
  /** Layers of neurons one after the other, each as a network of that layer alone: its weights are valid until the next is asked for. */
  parts(): Iterable<{ layer: string; network: Network; state: StateDict }>;
  /** Finds samples. @param data as a user names them; absent: those that come with the program @throws InputError */
  samples(data: string | undefined, options: SamplesOptions): ForeignSamples;
  /** Bytes that a reading of these samples needs at least, the program's own included. */
  needs(samples: ForeignSamples | null): number;
  /** Takes samples through the model. @param options.memory bytes, at least what it needs */
  read(samples: ForeignSamples, options: ReadOptions): Promise<Read>;
  /** The same model in which these neurons are dead: all that they own is 0. Nothing on the disk changes. */
  without(neurons: NeuronSet): ForeignModel;
  /** The same model in which these neurons hold what they do in a state of `whole`'s network, in the files' own types. */
  tuned(neurons: NeuronSet, state: StateDict): ForeignModel;
  /** All of the model in memory with labelled samples, for what needs gradients. @param data as of `samples` @throws InputError where nobody says how it is asked, or it is too large */
  whole(data: string | undefined, options: SamplesOptions): WholeModel;
  /** The files that make a folder of this model as it is now, changed neurons included, and that `open` takes. */
  files(): readonly ForeignFile[];
}

/** A model that is in memory as a whole. */
export interface WholeModel {
  readonly network: Network;
  readonly state: StateDict;
  /** Labelled samples as the task has them, in the form that the model reads. */
  readonly samples: Samples;
  /** Where they are from, and how many they are. */
  readonly title: string;
  /** A hash of them and of how the model is asked. */
  sha256(): string;
  /** Bytes that training some neurons of it needs about. */
  readonly needs: number;
}

/** A file of a model's folder as a copy of one on the disk. */
export interface ForeignFile {
  name: string;
  /** The path of what is copied. */
  from: string;
  /** Whether it holds weights. */
  weights: boolean;
  /** Stretches that are other ones in the copy: the place of each and its bytes, in the order of the file. */
  changes(): Iterable<readonly [at: number, bytes: Uint8Array]>;
}

export interface SamplesOptions {
  /** Where the known data sets lie. */
  dataDir: string;
  /** The option that names the samples, for messages; absent: `--data`. */
  option?: string;
  seed: number;
  /** So many of them at most. */
  most: number;
  /** How the model is asked for a sample's truth, where its quality is wanted. */
  prompt?: Prompt;
  /** Of the samples a seeded fifth that is kept for measuring, or the others; absent: all. */
  part?: "kept" | "others";
}

/** A question to a language model. */
export interface Prompt {
  /** Text with one `{}`, where a sample goes; the answer follows it. */
  template: string;
  /** The answer that means each truth, in the order of the labels. */
  answers: readonly string[];
}

/** Samples of a folder's model. */
export interface ForeignSamples {
  /** Where they are from, and how many they are. */
  readonly title: string;
  /** A hash of what a model reads of them and is asked, wherever they are from. */
  sha256(): string;
}

export interface ReadOptions {
  memory: number;
  threads: number;
  progress?(done: number, total: number): void;
}

/** What a reading gives. */
export interface Read {
  /** Mean of |a| of each neuron. */
  activity: LayerScores;
  /** How well the model fits the samples, a line each. */
  lines: readonly string[];
  /** Share of the samples that are answered with their truth; null where it was not asked. */
  quality: number | null;
  /** How many samples that share is of. */
  asked: number;
  /** Perplexity of the samples; null where nothing follows anything. */
  perplexity: number | null;
  /** What is most likely wrong, where something is. */
  warning?: string;
}
