import type { Samples } from "../core/samples.ts";

/** How samples with truths of a task are given to a user's own programs, in checkouts. */
export interface Handout {
  /** The Python file that reads them, decodes answers and draws them, beside `load_in_torch.py`: its name in `python/`. */
  readonly loader: string;
  /** What that file does, in half a sentence. */
  readonly what: string;
  /** The files of some samples by what comes behind their name, e.g. `.npy` and `_lanes.json`, each with what it holds. */
  files(samples: Samples): { suffix: string; bytes: Uint8Array; holds: string }[];
}
