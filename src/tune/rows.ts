import type { Arrays } from "../engine/session.ts";
import { BN_EPSILON } from "../graph/batchnorm.ts";
import { toOhwi } from "../graph/fold.ts";
import { foldedBias, foldedWeight, rowBiasGradient, rowWeightGradient } from "../graph/folded.ts";
import type { ConvUnit } from "../graph/network.ts";
import { type StateDict, tensorOf } from "../tensor/state.ts";
import type { TunedNeurons } from "./tuned-neurons.ts";

/**
 * The trainable parameters θ of some neurons of one normalised convolution (docs/methods.md §1.1): their filters, γ, β and,
 * where it has one, bias, in one array, neuron after neuron: `[filter (kh·kw·in), γ, β, bias?]`.
 */
export class NeuronRows implements TunedNeurons {
  readonly unit: ConvUnit;
  readonly channels: number[];
  readonly values: Float32Array;
  readonly gradient: Float32Array;
  private readonly filterSize: number;
  private readonly stride: number;
  /** μ and 1/√(σ²+ε) per neuron: frozen. */
  private readonly mean: number[];
  private readonly rstd: number[];
  /** ‖W[c]‖₂ and |γ_c| before tuning. */
  private readonly norms: number[];
  private readonly gains: number[];

  constructor(unit: ConvUnit, channels: number[], state: StateDict) {
    this.unit = unit;
    this.channels = channels;
    const weight = tensorOf(state, `${unit.id}.weight`);
    this.filterSize = weight.data.length / unit.out;
    this.stride = this.filterSize + (unit.bias ? 3 : 2);
    this.values = new Float32Array(channels.length * this.stride);
    this.gradient = new Float32Array(this.values.length);
    const ohwi = toOhwi(weight);
    const of = (key: string, c: number) => tensorOf(state, key).data[c];
    channels.forEach((c, k) => {
      const at = k * this.stride;
      this.values.set(ohwi.subarray(c * this.filterSize, (c + 1) * this.filterSize), at);
      this.values[at + this.filterSize] = of(`${unit.bn}.weight`, c);
      this.values[at + this.filterSize + 1] = of(`${unit.bn}.bias`, c);
      if (unit.bias) this.values[at + this.filterSize + 2] = of(`${unit.id}.bias`, c);
    });
    this.mean = channels.map((c) => of(`${unit.bn}.running_mean`, c));
    this.rstd = channels.map((c) => 1 / Math.sqrt(of(`${unit.bn}.running_var`, c) + BN_EPSILON));
    this.norms = channels.map((_, k) => this.norm(k));
    this.gains = channels.map((_, k) => Math.abs(this.values[k * this.stride + this.filterSize]));
  }

  /**
   * What the `discreet` style does after every step (docs/methods.md §7.2): every filter goes back to its L2 norm
   * before tuning, and |γ| may not exceed its value before tuning.
   */
  restrain(): void {
    const { filterSize: n, values } = this;
    this.channels.forEach((_, k) => {
      const at = k * this.stride;
      const norm = this.norm(k);
      const scale = norm > 0 ? this.norms[k] / norm : 1;
      for (let i = at; i < at + n; i++) values[i] *= scale;
      values[at + n] = Math.min(this.gains[k], Math.max(-this.gains[k], values[at + n]));
    });
  }

  private norm(k: number): number {
    const at = k * this.stride;
    let sum = 0;
    for (let i = at; i < at + this.filterSize; i++) sum += this.values[i] ** 2;
    return Math.sqrt(sum);
  }

  /**
   * Turns gradients of the folded rows into gradients of θ. With f = γ·r, `W' = f·W`, `b' = β + (b − μ)·f`:
   * `∂W = f·∂W'`, `∂γ = r·(⟨∂W', W⟩ + (b − μ)·∂b')`, `∂β = ∂b'`, `∂b = f·∂b'`.
   */
  takeGradient(results: Arrays, isSelected: boolean): void {
    const { filterSize: n, values, gradient, unit } = this;
    const [weight, bias] = [rowWeightGradient(unit.id), rowBiasGradient(unit.id)].map((key) => results.get(key)!);
    this.channels.forEach((c, k) => {
      const at = k * this.stride;
      const row = isSelected ? k : c;
      const factor = values[at + n] * this.rstd[k];
      const convBias = this.unit.bias ? values[at + n + 2] : 0;
      let inner = 0;
      for (let i = 0; i < n; i++) {
        const g = weight[row * n + i];
        inner += g * values[at + i];
        gradient[at + i] = factor * g;
      }
      gradient[at + n] = this.rstd[k] * (inner + (convBias - this.mean[k]) * bias[row]);
      gradient[at + n + 1] = bias[row];
      if (this.unit.bias) gradient[at + n + 2] = factor * bias[row];
    });
  }

  writeFeeds(feeds: ReadonlyMap<string, Float32Array>): void {
    const { filterSize: n, values, unit } = this;
    const [weight, bias] = [foldedWeight(unit.id), foldedBias(unit.id)].map((key) => feeds.get(key)!);
    this.channels.forEach((c, k) => {
      const at = k * this.stride;
      const factor = values[at + n] * this.rstd[k];
      for (let i = 0; i < n; i++) weight[c * n + i] = factor * values[at + i];
      const convBias = this.unit.bias ? values[at + n + 2] : 0;
      bias[c] = values[at + n + 1] + (convBias - this.mean[k]) * factor;
    });
  }

  writeState(state: StateDict): void {
    const { filterSize: n, values, unit } = this;
    const weight = tensorOf(state, `${unit.id}.weight`);
    const [, inputs, kh, kw] = weight.shape;
    const taps = kh * kw;
    this.channels.forEach((c, k) => {
      const at = k * this.stride;
      for (let t = 0; t < taps; t++) {
        for (let i = 0; i < inputs; i++) weight.data[c * n + i * taps + t] = values[at + t * inputs + i];
      }
      tensorOf(state, `${unit.bn}.weight`).data[c] = values[at + n];
      tensorOf(state, `${unit.bn}.bias`).data[c] = values[at + n + 1];
      if (unit.bias) tensorOf(state, `${unit.id}.bias`).data[c] = values[at + n + 2];
    });
  }
}
