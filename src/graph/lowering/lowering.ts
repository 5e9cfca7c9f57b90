import type { GraphBuilder } from "../onnx.ts";
import type { Bin } from "./channel-slots.ts";

/**
 * How the pieces of a network and of its gradient become ONNX operators. Three implementations: `plain` (standard
 * operators, NCHW; runs everywhere and is the oracle), `blocked` (ONNX Runtime's channel-blocked CPU operators) and
 * `webgpu` (`plain` without what the WebGPU provider lacks or gets wrong). Programs are written once against this
 * interface.
 *
 * Weights are `[out, kh, kw, in]` ("OHWI"): the layout in which one neuron's weights are contiguous and in which the
 * weight gradient comes out of a dilated convolution without a transposition.
 */
export interface Lowering {
  readonly kind: LoweringKind;
  readonly graph: GraphBuilder;
  readonly batch: number;

  /** Declares an NCHW graph input and brings it into this lowering's layout. */
  image(name: string, channels: number, height: number, width: number): Feature;
  /** Like {@link image} for a feature from inside a network, which anything may follow, not only a convolution. */
  feature(name: string, channels: number, height: number, width: number): Feature;
  /** Brings an NCHW value that the graph computed into this lowering's layout. */
  fromNchw(value: string, channels: number, height: number, width: number): Feature;
  /** A feature as an ordinary NCHW value. */
  toNchw(x: Feature): string;

  /** Makes a feature a graph output in this lowering's own layout, for {@link kept} in a program of the same kind. */
  keep(key: string, x: Feature): void;
  /**
   * What another program of this kind of lowering kept, of `count` images, as a graph input: of these the images that
   * `rows`, an int64 value `[batch]`, names. For features that no concatenation is part of.
   */
  kept(name: string, size: FeatureSize, count: number, rows: string): Feature;

  /**
   * Makes a feature a graph output as {@link stored} takes it: in this lowering's own layout, its channels in order, whatever it
   * was made of.
   */
  store(key: string, x: Feature): void;
  /** What a program of this kind of lowering and this batch stored, as a graph input, which anything may follow. */
  stored(name: string, size: FeatureSize): Feature;
  /** Where its values lie. */
  storage(size: FeatureSize): Storage;

  /** `relu?(conv(x, weight) + bias + sum)`. */
  conv(x: Feature, weight: string, shape: ConvShape, fuse?: Fusion): Feature;
  /** Gradient of a convolution with respect to its input, added to what has come together so far. */
  convInputGradient(dy: Feature, weight: string, shape: ConvShape, x: Feature, into?: Gradient): Gradient;
  /** Gradient with respect to the weights, OHWI `[dy.channels, kh, kw, x.channels]`; dy may be a choice of the outputs. */
  convWeightGradient(x: Feature, dy: Feature, shape: ConvShape): string;

  /** `relu?(x·scale + shift + sum)` per channel; scale and shift are `[channels]` values. */
  scaleShift(x: Feature, scale: string, shift: string | undefined, fuse?: Fusion): Feature;
  /** `relu?(a + b)`. */
  add(a: Feature, b: Feature, relu: boolean): Feature;
  abs(x: Feature): Feature;
  relu(x: Feature): Feature;
  /** 1 where `y > 0`, else 0. */
  reluGate(y: Feature): Feature;
  /** The gradient before a ReLU. */
  reluGradient(dy: Feature, gate: Feature): Feature;
  /** The first and second half of the batch. */
  splitBatch(x: Feature): [Feature, Feature];
  joinBatch(a: Feature, b: Feature): Feature;
  /** The rows of a 0/1 matrix `[rows, x.channels]` applied to the channels: picks channels. */
  selectChannels(x: Feature, selector: string, rows: number): Feature;

  /** `Σ_hw a·b` per image and channel, `[batch, channels]`. */
  channelDots(a: Feature, b: Feature): string;
  /** `Σ_hw a` per image and channel, `[batch, channels]`. */
  channelSums(a: Feature): string;

  /** Joins features along the channels. */
  concat(parts: readonly Feature[]): Feature;
  /** The gradient of a concatenation, cut into those of its parts. */
  splitChannels(dy: Feature, parts: readonly Feature[]): Feature[];

  /** All values of a map as the channels of one position: channel by channel, row by row. */
  flatten(x: Feature): Feature;
  /** Its gradient as that of x. */
  unflatten(dy: Feature, x: Feature): Feature;
  /** A map of one position as `[batch, channels]`. */
  toVector(x: Feature): string;
  /** `[batch, channels]` as a map of one position. */
  fromVector(value: string, x: FeatureSize): Feature;

  maxPool(x: Feature, shape: PoolShape): Feature;
  /**
   * Where several positions of an overlapping window tie, the first one in row-major order takes the gradient, as in
   * PyTorch; in disjoint windows all of them, which is only right behind a ReLU, where none but zeros tie; or, with
   * `shareTies`, each of them its share, for channels that may be constant.
   */
  maxPoolGradient(dy: Feature, x: Feature, y: Feature, shape: PoolShape, shareTies?: boolean): Feature;
  /** Means of disjoint windows that fill the map. */
  averagePool(x: Feature, kernel: number): Feature;
  averagePoolGradient(dy: Feature, x: Feature, kernel: number): Feature;
  /** Mean over space, `[batch, channels]`. */
  globalPool(x: Feature): string;
  globalPoolGradient(dy: string, x: Feature): Feature;

  /** Logarithms of the softmax over the classes, both `[n, classes]`. */
  logSoftmax(logits: string): string;

  /** Adds a gradient to what has come together so far. */
  accumulate(into: Gradient | undefined, dy: Feature): Gradient;
  /** The gradient, complete. */
  settle(gradient: Gradient, x: Feature): Feature;
}

/**
 * Raised whenever a lowering comes to round otherwise, so that records tell whose bytes can be repeated. 1, which records do
 * not state: as the shipped sample was built. 2: weight gradients add up over images, batch norm goes back in one pass. 3: the first
 * layer's gradient adds up over images, too. 4: narrow parts of a concatenation share blocks, which only GoogLeNet has.
 */
export const LOWERING_REVISION = 4;

/** Names of the three. */
export const LOWERINGS = ["plain", "blocked", "webgpu"] as const;
export type LoweringKind = (typeof LOWERINGS)[number];

/** A batch of feature maps inside the graph; `tensor` is in the lowering's own layout. */
export interface Feature {
  tensor: string;
  channels: number;
  height: number;
  width: number;
  /** Where the channels of a concatenation lie, where the lowering does not keep them in order. */
  bins?: readonly Bin[];
}

export type FeatureSize = Pick<Feature, "channels" | "height" | "width">;

/** How the values of a feature lie in an array. */
export interface Storage {
  /** Values of a batch. */
  length: number;
  /** Where the map of an image's channel begins. */
  start(image: number, channel: number): number;
  /** How far apart its positions are, row by row. */
  step: number;
}

export interface ConvShape {
  out: number;
  kernel: number;
  stride: number;
  padding: number;
}

/** A max-pool's window: kernel = stride without padding, or 3×3 with padding 1 at stride 1, or 2 on even sides. */
export interface PoolShape {
  kernel: number;
  stride: number;
  padding: number;
}

/** Whether a convolution is a product of matrices: of kernel 1, on a map of one position. */
export function isDense(x: FeatureSize, { kernel }: ConvShape): boolean {
  return x.height * x.width === 1 && kernel === 1;
}

/** Whether it is one of the convolutions of stride 2 whose gradient at the input comes in four phases. */
export function halvesEvenly({ kernel, stride, padding }: ConvShape, x: FeatureSize): boolean {
  const known = (kernel === 1 && padding === 0) || (kernel === 3 && padding === 1);
  return stride === 2 && known && x.height % 2 === 0 && x.width % 2 === 0;
}

export interface Fusion {
  bias?: string;
  sum?: Feature;
  relu?: boolean;
}

/**
 * A gradient being summed over the consumers of a feature. A stride-2 1×1 convolution reaches only the even
 * positions (`phase0`, at half resolution); it waits there for the 3×3 convolution that reaches all of them.
 */
export interface Gradient {
  full?: string;
  phase0?: string;
}

/** The taps of a stride-2 3×3 convolution that reach each of the four output phases of its input gradient: [taps, kh, kw]. */
export const STRIDE2_PHASES: readonly [taps: number[], kh: number, kw: number][] = [
  [[4], 1, 1],
  [[5, 3], 1, 2],
  [[7, 1], 2, 1],
  [[8, 6, 2, 0], 2, 2],
];

export function reversedTaps(kernel: number): number[] {
  return Array.from({ length: kernel * kernel }, (_, i) => kernel * kernel - 1 - i);
}

/**
 * How many groups the batch is cut into for the weight gradient. One convolution per group leaves partial sums of
 * groups × weights to add up; more groups give ONNX Runtime more parallel, smaller kernels. The bound (partial sums
 * at most a quarter of the tensors' size) was found by timing ResNet-18's shapes.
 */
export function weightGradientGroups(batch: number, out: number, input: number, kernel: number, area: number): number {
  const traffic = 0.25 * batch * (out + input) * area;
  let groups = batch;
  while (groups > 1 && groups * out * input * kernel * kernel > traffic) groups = groups % 2 === 0 ? groups / 2 : 1;
  return groups;
}
