import type { Feature, Gradient, Lowering } from "../lowering/lowering.ts";
import type { Network } from "../network.ts";
import type { GraphBuilder } from "../onnx.ts";
import type { UnitRule } from "../unit-rule.ts";
import type { Unit } from "../units.ts";
import type { AddNode } from "./add.ts";
import type { Weighted } from "./weighted.ts";

/** `[channels, height, width]` of a feature map; height = width = 1 of a vector. */
export type Shape = [channels: number, height: number, width: number];

/** A parameter or buffer as the state dict holds it. */
export interface StateEntry {
  key: string;
  shape: number[];
  /** Whether training moves it: buffers are not trained. */
  trained: boolean;
  fresh: Fresh;
}

/** A fresh entry's value, or of what `±1/√fanIn` its values are drawn from uniformly, or how far normal ones spread around 0. */
export type Fresh = number | { fanIn: number } | { deviation: number };

/** What every node has. */
export interface AnyNode {
  op: string;
  id: string;
}

/**
 * One operator of a network: all that the project knows of it, but for how a lowering writes its pieces. PyTorch's side is in
 * `python/load_in_torch.py`, under the same name.
 */
export interface Op<N extends AnyNode> {
  /** Whether it is of sequences: `TokenLowering` alone writes it, and PyTorch's side is Hugging Face's. */
  tokens?: true;
  /** The nodes that it reads, in order. */
  inputs(node: N): readonly string[];
  /** The shape of its output. @throws Error where the inputs do not fit */
  infer(node: N, inputs: Shape[], network: Network): Shape;
  /** Whether its output is a vector per image and no feature map. */
  flat?: true;
  /**
   * What its output's channels are: its own; its inputs', each input having the same; its inputs' one after the other; or all
   * positions of its input's, channel by channel.
   */
  channels: "own" | "kept" | "joined" | "spread";
  /** Its entries of the state dict, in PyTorch's order; none where it is absent. */
  state?(node: N, inputs: Shape[]): StateEntry[];
  /** Multiply-adds of one image, of operators beside which all others are small. */
  multiplyAdds?(node: N, inputs: Shape[], output: Shape): number;
  /** The layer of neurons that it is, if it is one. @param readers the nodes that read its output */
  unit?(node: N, readers: readonly AnyNode[]): Unit | undefined;
  /** What the rule of a pass sees of it, where it has weights that rules are about. */
  weighted?(node: N): Weighted;
  /** Emits its output. */
  forward(node: N, pass: ForwardPass): void;
  /** From the gradient at its output, emits that at its inputs. */
  backward(node: N, pass: BackwardPass): void;
  /** Its output in standard operators, for files that others read. */
  onnx(node: N, file: ExportedFile): string;
}

/** A forward pass in progress. */
export interface ForwardPass {
  readonly lowering: Lowering;
  readonly rule: UnitRule;
  /** Addition that a conv unit computes as it goes, by the unit's id. */
  readonly fused: ReadonlyMap<string, AddNode>;
  feature(id: string): Feature;
  /** `[n, channels]` of a node whose output is flat, or a map of one position. */
  vector(id: string): string;
  isKnown(id: string): boolean;
  put(id: string, output: Feature | string): void;
  /** A unit's activation, or what the caller replaces it by. */
  intervened(unit: Weighted, activation: Feature): Feature;
  /** Declares an entry of the state that is read as it is. */
  parameter(key: string, shape: number[]): string;
  /** Keeps what the backward pass of a node needs again. */
  keep<T>(id: string, values: T): void;
}

/** A backward pass in progress. */
export interface BackwardPass {
  readonly lowering: Lowering;
  readonly rule: UnitRule;
  readonly fused: ReadonlyMap<string, AddNode>;
  /** Whether tied maxima of a disjoint pool share the gradient. */
  readonly shareTies: boolean;
  feature(id: string): Feature;
  isKnown(id: string): boolean;
  /** The gradient at a node, complete. @param like the feature that it is of, where that goes under another id */
  take(id: string, like?: string): Feature;
  takeVector(id: string): string;
  /** The gradient in front of the ReLU that a node's output went through. */
  beforeRelu(id: string, dy: Feature): Feature;
  /** Adds to the gradient at a node, if one is wanted there. */
  give(id: string, dy: Feature): void;
  /** Lets a rule add to the gradient at a node. */
  addTo(id: string, add: (input: { wanted: boolean; into?: Gradient }) => Gradient | undefined): void;
  /** Tells a caller who asked the gradient at a unit's activation. */
  tapped(unit: Weighted, dy: Feature): void;
  /** Whether the gradient at a node is wanted. */
  wants(id: string): boolean;
  /** What the forward pass kept of a node. */
  kept<T>(id: string): T;
  /** Offers the gradient `leftᵀ·right` of a matrix of the state. @param left `[positions, shape[0]]` @param right `[positions, shape[1]]` */
  matrixGradient(key: string, left: string, right: string, shape: [number, number]): void;
  /** Offers the gradient of another entry of the state. @param make emits it */
  vectorGradient(key: string, shape: number[], make: () => string): void;
  /** Offers the gradient at the rows of a table that were looked up, in the order of the sequence. */
  lookupGradient(key: string, dy: string, shape: number[]): void;
}

/** A file in standard operators, being written. */
export interface ExportedFile {
  readonly graph: GraphBuilder;
  /** The network's input. */
  image(): string;
  value(id: string): string;
  shape(id: string): Shape;
  /** Embeds an entry of the state dict. */
  weight(key: string): string;
  relu(value: string, wanted: boolean): string;
}
