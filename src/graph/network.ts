import type { LayerWidth } from "../core/neurons.ts";
import type { ConvUnit } from "./ops/conv.ts";
import type { LinearNode } from "./ops/linear.ts";
import type { Shape, StateEntry } from "./ops/op.ts";
import { type LayerNode, opOf } from "./ops/registry.ts";
import type { Weighted } from "./ops/weighted.ts";
import type { Unit } from "./units.ts";

export type { AddNode } from "./ops/add.ts";
export type { ConcatNode } from "./ops/concat.ts";
export type { ConvUnit } from "./ops/conv.ts";
export type { LayerNode } from "./ops/registry.ts";
export type { NormalisedNode, Weighted } from "./ops/weighted.ts";

/**
 * A network as a list of layers in topological order: plain data, from which the inference graph and the training
 * graph are both lowered. Nodes refer to earlier ones by `id`; `ops/` has what each of them is.
 */
export interface Network {
  arch: string;
  input: NetworkInput;
  classes: number;
  nodes: LayerNode[];
}

/** What a network reads; of sequences the height is the number of positions and the width 1. */
export interface NetworkInput {
  channels: number;
  height: number;
  width: number;
  tokens?: true;
}

/** Output shape `[channels, height, width]` of every node (height = width = 1 after global pooling). */
export type Shapes = Map<string, Shape>;

export function inferShapes(network: Network): Shapes {
  const shapes: Shapes = new Map();
  const at = (id: string) => {
    const shape = shapes.get(id);
    if (!shape) throw new Error(`${network.arch}: node '${id}' is used before it is defined`);
    return shape;
  };
  for (const node of network.nodes) shapes.set(node.id, opOf(node).infer(node, inputsOf(node).map(at), network));
  return shapes;
}

/** The nodes that a node reads. */
export function inputsOf(node: LayerNode): readonly string[] {
  return opOf(node).inputs(node);
}

/** The convolutions with batch norm, in order. */
export function convUnits(network: Network): ConvUnit[] {
  return network.nodes.filter((node) => node.op === "conv");
}

/** The layers of neurons, in the network's order. */
export function unitsOf(network: Network): Unit[] {
  return network.nodes.flatMap((node) => unitAt(network, node) ?? []);
}

/** The layer of neurons that a node is, if it is one. */
export function unitAt(network: Network, node: LayerNode): Unit | undefined {
  const readers = network.nodes.filter((reader) => inputsOf(reader).includes(node.id));
  return opOf(node).unit?.(node, readers);
}

/** What rules see of the nodes that have weights, but for the classifier, in order. */
export function weightedNodes(network: Network): Weighted[] {
  return network.nodes.flatMap((node) => opOf(node).weighted?.(node) ?? []);
}

/** Layer names and widths in order: which neurons there are. */
export function neuronLayers(network: Network): LayerWidth[] {
  return unitsOf(network).map(({ id, width }) => ({ name: id, width }));
}

export function classifierOf(network: Network): LinearNode {
  const last = network.nodes[network.nodes.length - 1];
  if (last.op !== "linear") throw new Error(`${network.arch}: the last node is not the classifier`);
  return last;
}

/** The entry of the state that holds the classifier's weights, `[outputs, inputs]`. */
export function outputWeight({ id, unbiased }: LinearNode): string {
  return unbiased?.weight ?? `${id}.weight`;
}

/** The graph output that holds what a network puts out, in every program that has it: `[n, width]`. */
export const OUTPUT = "logits";

/** Values that a network puts out for one sample; of a classifier one for each class. */
export function outputsOf({ classes }: Pick<Network, "classes">): number {
  return classes;
}

/** Parameters and buffers in PyTorch's order. */
export function stateEntries(network: Network): StateEntry[] {
  const shapes = inferShapes(network);
  return network.nodes.flatMap((node) => {
    const inputs = inputsOf(node).map((id) => shapes.get(id)!);
    return opOf(node).state?.(node, inputs) ?? [];
  });
}

/** Parameters and buffers that the state dict holds, in PyTorch's order, with shapes. */
export function stateShapes(network: Network): Map<string, number[]> {
  return new Map(stateEntries(network).map(({ key, shape }) => [key, shape]));
}

/** The state without what training does not move: without batch-norm buffers. */
export function parameterKeys(network: Network): string[] {
  return stateEntries(network).flatMap(({ key, trained }) => (trained ? [key] : []));
}

/** Numbers in all parameters. */
export function countParameters(network: Network): number {
  return stateEntries(network).reduce(
    (sum, { shape, trained }) => sum + (trained ? shape.reduce((product, n) => product * n, 1) : 0),
    0,
  );
}
