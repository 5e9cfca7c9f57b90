import { type StateDict, sizeOf, type Tensor, tensorOf } from "../tensor/state.ts";
import { BN_EPSILON } from "./batchnorm.ts";
import { foldedBias, foldedWeight } from "./folded.ts";
import { classifierOf, type Network, outputWeight, type Weighted, weightedNodes } from "./network.ts";
import { opOf } from "./ops/registry.ts";

/** Feeds of the folded programs: graph input → values. */
export type FoldedState = Map<string, Float32Array>;

/** `[out, in, kh, kw]` → `[out, kh, kw, in]`, as the lowerings hold weights. @param result where to write it */
export function toOhwi({ shape, data }: Tensor, result: Float32Array = new Float32Array(data.length)): Float32Array {
  const [out, inputs, kh, kw] = shape;
  const taps = kh * kw;
  for (let o = 0; o < out; o++) {
    const row = o * inputs * taps;
    for (let i = 0; i < inputs; i++) {
      for (let t = 0; t < taps; t++) result[row + t * inputs + i] = data[row + i * taps + t];
    }
  }
  return result;
}

/** `[out, kh, kw, in]` → `[out, in, kh, kw]`; `shape` is the result's. */
export function toOihw(data: Float32Array, shape: number[]): Float32Array {
  const [out, inputs, kh, kw] = shape;
  const taps = kh * kw;
  const result = new Float32Array(sizeOf(shape));
  for (let o = 0; o < out; o++) {
    const row = o * inputs * taps;
    for (let t = 0; t < taps; t++) {
      for (let i = 0; i < inputs; i++) result[row + i * taps + t] = data[row + t * inputs + i];
    }
  }
  return result;
}

/** Feeds of the programs that train: every parameter and statistic as it is, a convolution's filters as the lowerings hold them. */
export function parameterFeeds(state: StateDict): Map<string, Float32Array> {
  return new Map([...state].map(([key, tensor]) => [key, tensor.shape.length === 4 ? toOhwi(tensor) : tensor.data]));
}

/** Folds every unit's frozen batch norm into its convolution; the classifier passes as it is, and so does all of a sequence's operators. */
export function foldState(network: Network, state: StateDict): FoldedState {
  const folded: FoldedState = new Map();
  for (const node of weightedNodes(network)) {
    for (const [name, values] of foldNode(state, node)) folded.set(name, values);
  }
  const linear = classifierOf(network);
  const entries = [outputWeight(linear), ...(linear.unbiased ? [] : [`${linear.id}.bias`])];
  if (network.nodes.some((node) => opOf(node).tokens)) entries.push(...state.keys());
  for (const key of entries) folded.set(key, tensorOf(state, key).data);
  return folded;
}

/** One node's folded weights and bias. */
export function foldNode(state: StateDict, node: Weighted): FoldedState {
  const stored = tensorOf(state, `${node.id}.weight`);
  const weight = stored.shape.length === 4 ? toOhwi(stored) : stored.data.slice();
  const bias = new Float32Array(node.out);
  const perRow = weight.length / node.out;
  for (let channel = 0; channel < node.out; channel++) {
    const { factor, shift } = channelFold(state, node, channel);
    for (let i = channel * perRow; i < (channel + 1) * perRow; i++) weight[i] *= factor;
    bias[channel] = shift;
  }
  return new Map([
    [foldedWeight(node.id), weight],
    [foldedBias(node.id), bias],
  ]);
}

/** One channel's fold: its weights' factor γ/√(σ²+ε) and its bias β + (b − μ)·factor; 1 and b without batch norm. */
export function channelFold(state: StateDict, unit: Weighted, channel: number): { factor: number; shift: number } {
  const at = (key: string) => tensorOf(state, key).data[channel];
  if (unit.bn === undefined) return { factor: 1, shift: unit.bias ? at(`${unit.id}.bias`) : 0 };
  const factor = at(`${unit.bn}.weight`) / Math.sqrt(at(`${unit.bn}.running_var`) + BN_EPSILON);
  const convBias = unit.bias ? at(`${unit.id}.bias`) : 0;
  return { factor, shift: at(`${unit.bn}.bias`) + (convBias - at(`${unit.bn}.running_mean`)) * factor };
}
