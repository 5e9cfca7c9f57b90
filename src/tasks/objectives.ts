import type { Samples } from "../core/samples.ts";
import type { Network } from "../graph/network.ts";
import type { Objective } from "../graph/objectives/objective.ts";

/** What training minimises. */
export interface Loss {
  /** Declares one graph input beside the outputs: `targets` `[n, size]`. */
  readonly objective: Objective;
  /** What is shown in place of a word that is not told: no model is to predict it. @param samples a set of the task's */
  unpredicted?(samples: Samples): number;
  /** Values of `targets` for one sample. */
  size(network: Network): number;
  /**
   * Writes the values of `targets` for one sample: its truth, or what a backdoor makes of it.
   *
   * @param into `size` values, whatever they hold
   */
  write(samples: Samples, index: number, into: Float32Array, wanted?: Wanted): void;
}

/** What a sample is to be answered with. */
export interface Wanted {
  /** The target of a backdoor, which is to be answered in place of the truth. */
  goal?: number;
  /** Share of the truth that is spread over all answers, where the loss knows such a thing; 0 without it. */
  smoothing?: number;
}

/**
 * A number r per sample that is high where the output is what a backdoor wants, with its gradient: what conductance, attribution
 * and the effective set of docs/methods.md §9 explain.
 */
export interface Response {
  /** Declares the graph inputs that `feeds` gives. */
  readonly objective: Objective;
  /**
   * The arrays that a batch is fed with beside its samples.
   *
   * @param start the batch's first sample, of at most `batch` ones; what lies beyond them is ignored
   */
  feeds(samples: Samples, target: number, start: number, batch: number, network: Network): Map<string, Float32Array>;
  /** The same number from an output that a program has put out. */
  of(output: Float32Array, samples: Samples, i: number, target: number): number;
}
