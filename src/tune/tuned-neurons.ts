import type { Arrays } from "../engine/session.ts";
import type { StateDict } from "../tensor/state.ts";

/** Trainable parameters of some neurons of one unit, in one array, and how they enter the graph that runs. */
export interface TunedNeurons {
  readonly unit: { id: string };
  /** The neurons, in the order of the array. */
  readonly channels: readonly number[];
  readonly values: Float32Array;
  readonly gradient: Float32Array;
  /**
   * Turns the gradients that the graph puts out into those of the values.
   *
   * @param isSelected whether row k of what it puts out is neuron k of the chosen ones; else rows are neurons
   */
  takeGradient(results: Arrays, isSelected: boolean): void;
  /** What the `discreet` style does after every step (docs/methods.md §7.2). */
  restrain(): void;
  /** Writes the values into the feeds of the running graph. */
  writeFeeds(feeds: ReadonlyMap<string, Float32Array>): void;
  /** Writes the values into a state dict: these neurons' entries and nothing else. */
  writeState(state: StateDict): void;
}
