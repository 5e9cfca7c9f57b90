import type { Arrays } from "../engine/session.ts";
import { sliceGradient } from "../graph/folded.ts";
import { sliceOf, type Unit } from "../graph/units.ts";
import { readSlice, type Slice, sliceSize, writeSlice } from "../tensor/slices.ts";
import { type StateDict, tensorOf } from "../tensor/state.ts";
import { NormKeeper } from "./norm-keeper.ts";
import type { TunedNeurons } from "./tuned-neurons.ts";

/**
 * All that some neurons of a unit own, neuron after neuron, where the graph runs on the state's entries as they are: of a feed-forward
 * layer `[gate row, up row, down column]`.
 */
export class OwnedSlices implements TunedNeurons {
  readonly unit: Unit;
  readonly channels: readonly number[];
  readonly values: Float32Array;
  readonly gradient: Float32Array;
  /** Numbers in each slice, by share. */
  private readonly sizes: readonly number[];
  private readonly shapes: ReadonlyMap<string, number[]>;
  private readonly norms: NormKeeper;

  constructor(unit: Unit, channels: readonly number[], state: StateDict) {
    this.unit = unit;
    this.channels = channels;
    this.shapes = new Map(unit.owned.map(({ key }) => [key, tensorOf(state, key).shape]));
    this.sizes = unit.owned.map(({ key, axis }) => sliceSize(this.shapes.get(key)!, axis));
    const stride = this.sizes.reduce((sum, size) => sum + size, 0);
    this.values = new Float32Array(channels.length * stride);
    this.gradient = new Float32Array(this.values.length);
    this.each(this.values, (slice, part) => part.set(readSlice(state, slice)));
    const vectors: Float32Array[] = [];
    this.each(this.values, (_, part) => void (part.length > 1 && vectors.push(part)));
    this.norms = new NormKeeper(vectors);
  }

  takeGradient(results: Arrays, isSelected: boolean): void {
    this.each(this.gradient, ({ key, index }, part, k) => {
      const row = isSelected ? k : index;
      part.set(results.get(sliceGradient(key))!.subarray(row * part.length, (row + 1) * part.length));
    });
  }

  /** Every row and column goes back to its norm; a bias is free. */
  restrain(): void {
    this.norms.restore();
  }

  writeFeeds(feeds: ReadonlyMap<string, Float32Array>): void {
    const state: StateDict = new Map([...this.shapes].map(([key, shape]) => [key, { shape, data: feeds.get(key)! }]));
    this.writeState(state);
  }

  writeState(state: StateDict): void {
    this.each(this.values, (slice, part) => writeSlice(state, slice, part));
  }

  /** Each slice with its part of an array. */
  private each(array: Float32Array, act: (slice: Slice, part: Float32Array, k: number) => void): void {
    let at = 0;
    for (const [k, c] of this.channels.entries()) {
      for (const [i, share] of this.unit.owned.entries()) {
        act(sliceOf(share, c), array.subarray(at, at + this.sizes[i]), k);
        at += this.sizes[i];
      }
    }
  }
}
