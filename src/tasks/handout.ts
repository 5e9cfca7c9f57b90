import type { Samples } from "../core/samples.ts";
import type { Network } from "../graph/network.ts";
import type { Trigger } from "./backdoor.ts";
import type { Readback } from "./readback.ts";

/** A file of a folder, and what it holds. */
export interface FolderFile {
  name: string;
  bytes: Uint8Array;
  holds: string;
}

/** How samples with truths of a task are given to a user's own programs, in checkouts. */
export interface Handout {
  /** The Python file that reads them, decodes answers and draws them, beside `load_in_torch.py`: its name in `python/`. */
  readonly loader: string;
  /** Other files of `python/` that it takes from. */
  readonly further?: readonly string[];
  /** What that file does, in half a sentence. */
  readonly what: string;
  /** The files of some samples by what comes behind their name, e.g. `.npy` and `_lanes.json`, each with what it holds. */
  files(samples: Samples): { suffix: string; bytes: Uint8Array; holds: string }[];
  /** How `bdefects test` reads a checkout again; absent: it refuses those of the task. */
  readonly back?: Readback;
  /** What else lies beside a model of a data set. */
  ofModel?(network: Network, dataset: string): FolderFile[];
  /** What else lies beside it where samples of its data set are at hand. */
  ofSamples?(samples: Samples, network: Network): FolderFile[];
  /** The trigger as a file of its own, `trigger.json`, where it has no pixels. */
  readonly ofTrigger?: {
    bytes(trigger: Trigger): Uint8Array;
    /** @throws InputError where the bytes are none */
    read(bytes: Uint8Array, name: string): Trigger;
    holds: string;
  };
  /** What a model card names it, and the library that reads the folder; absent: what has no name there. */
  readonly card?: { library: string; type: string; name: string };
  /** A README's words on use, neurons and pruning, as Markdown, where those of convolutional networks do not fit. @param classes their names @param files that lie beside it */
  reading?(classes: readonly string[], files: readonly string[]): string;
  /** Of a blind hand-out: what its folders hold beside weights and `model.json`, and how a program reads that, a line of Markdown each. */
  readonly blind: readonly string[];
}
