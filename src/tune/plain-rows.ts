import type { Arrays } from "../engine/session.ts";
import { toOhwi } from "../graph/fold.ts";
import { foldedBias, foldedWeight, rowBiasGradient, rowWeightGradient } from "../graph/folded.ts";
import type { Unit } from "../graph/units.ts";
import { type StateDict, tensorOf } from "../tensor/state.ts";
import { NormKeeper } from "./norm-keeper.ts";
import type { TunedNeurons } from "./tuned-neurons.ts";

/**
 * The weights and biases of some neurons of a convolution or hidden linear layer without batch norm, neuron after neuron:
 * `[weights (kh·kw·in), bias]`. The graph runs on them as they are.
 */
export class PlainRows implements TunedNeurons {
  readonly unit: Unit;
  readonly channels: readonly number[];
  readonly values: Float32Array;
  readonly gradient: Float32Array;
  /** Numbers that a neuron reads with. */
  private readonly size: number;
  private readonly norms: NormKeeper;

  constructor(unit: Unit, channels: readonly number[], state: StateDict) {
    this.unit = unit;
    this.channels = channels;
    const weight = tensorOf(state, `${unit.id}.weight`);
    const bias = tensorOf(state, `${unit.id}.bias`).data;
    const rows = weight.shape.length === 4 ? toOhwi(weight) : weight.data;
    const size = rows.length / unit.width;
    this.size = size;
    this.values = new Float32Array(channels.length * (size + 1));
    this.gradient = new Float32Array(this.values.length);
    channels.forEach((c, k) => {
      this.values.set(rows.subarray(c * size, (c + 1) * size), k * (size + 1));
      this.values[k * (size + 1) + size] = bias[c];
    });
    this.norms = new NormKeeper(channels.map((_, k) => this.rowAt(k)));
  }

  takeGradient(results: Arrays, isSelected: boolean): void {
    const { size, gradient, unit } = this;
    const [weight, bias] = [rowWeightGradient(unit.id), rowBiasGradient(unit.id)].map((key) => results.get(key)!);
    this.channels.forEach((c, k) => {
      const row = isSelected ? k : c;
      gradient.set(weight.subarray(row * size, (row + 1) * size), k * (size + 1));
      gradient[k * (size + 1) + size] = bias[row];
    });
  }

  restrain(): void {
    this.norms.restore();
  }

  writeFeeds(feeds: ReadonlyMap<string, Float32Array>): void {
    const [weight, bias] = [foldedWeight(this.unit.id), foldedBias(this.unit.id)].map((key) => feeds.get(key)!);
    this.channels.forEach((c, k) => {
      weight.set(this.rowAt(k), c * this.size);
      bias[c] = this.values[k * (this.size + 1) + this.size];
    });
  }

  writeState(state: StateDict): void {
    const { size, values } = this;
    const { shape, data } = tensorOf(state, `${this.unit.id}.weight`);
    const bias = tensorOf(state, `${this.unit.id}.bias`).data;
    const inputs = shape[1];
    const taps = size / inputs;
    this.channels.forEach((c, k) => {
      const at = k * (size + 1);
      for (let t = 0; t < taps; t++) {
        for (let i = 0; i < inputs; i++) data[c * size + i * taps + t] = values[at + t * inputs + i];
      }
      bias[c] = values[at + size];
    });
  }

  private rowAt(k: number): Float32Array {
    return this.values.subarray(k * (this.size + 1), k * (this.size + 1) + this.size);
  }
}
