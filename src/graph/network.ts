import type { LayerWidth } from "../core/neurons.ts";

/**
 * A network as a list of layers in topological order: plain data, from which the inference graph and the training
 * graph are both lowered. Nodes refer to earlier ones by `id`.
 */
export interface Network {
  arch: string;
  input: { channels: number; height: number; width: number };
  classes: number;
  nodes: LayerNode[];
}

export type LayerNode = InputNode | ConvUnit | AddNode | ConcatNode | MaxPoolNode | GlobalPoolNode | LinearNode;

export interface InputNode {
  op: "input";
  id: string;
}

/**
 * A convolution with its batch norm, optionally followed by ReLU: the layer whose output channels are neurons.
 * `id` is the conv's state-dict prefix (`layer1.0.conv1`), `bn` the batch norm's (`layer1.0.bn1`).
 */
export interface ConvUnit {
  op: "conv";
  id: string;
  bn: string;
  input: string;
  out: number;
  kernel: number;
  stride: number;
  padding: number;
  bias: boolean;
  relu: boolean;
}

export interface AddNode {
  op: "add";
  id: string;
  inputs: [string, string];
  relu: boolean;
}

/** Features of one resolution joined along the channels, in the order given. */
export interface ConcatNode {
  op: "concat";
  id: string;
  inputs: string[];
}

/** Max pooling; padding never wins. Known are kernel = stride without padding, and 3×3 with padding 1 at stride 1 or 2. */
export interface MaxPoolNode {
  op: "maxpool";
  id: string;
  input: string;
  kernel: number;
  stride: number;
  padding: number;
}

/** Global average pooling to `[n, channels]`. */
export interface GlobalPoolNode {
  op: "globalpool";
  id: string;
  input: string;
}

/** The classifier; its logits are not neurons. `id` is its state-dict prefix. */
export interface LinearNode {
  op: "linear";
  id: string;
  input: string;
  out: number;
}

/** Output shape `[channels, height, width]` of every node (height = width = 1 after global pooling). */
export type Shapes = Map<string, [number, number, number]>;

export function inferShapes(network: Network): Shapes {
  const shapes: Shapes = new Map();
  const at = (id: string) => {
    const shape = shapes.get(id);
    if (!shape) throw new Error(`${network.arch}: node '${id}' is used before it is defined`);
    return shape;
  };
  const { channels, height, width } = network.input;
  for (const node of network.nodes) {
    switch (node.op) {
      case "input":
        shapes.set(node.id, [channels, height, width]);
        break;
      case "conv": {
        const [, h, w] = at(node.input);
        shapes.set(node.id, [node.out, sideAfter(h, node), sideAfter(w, node)]);
        break;
      }
      case "add": {
        const [a, b] = node.inputs.map(at);
        if (a.join() !== b.join()) throw new Error(`${network.arch}: '${node.id}' adds ${a.join()} and ${b.join()}`);
        shapes.set(node.id, a);
        break;
      }
      case "maxpool": {
        const [c, h, w] = at(node.input);
        shapes.set(node.id, [c, sideAfter(h, node), sideAfter(w, node)]);
        break;
      }
      case "concat": {
        const parts = node.inputs.map(at);
        const [, h, w] = parts[0];
        if (parts.some((part) => part[1] !== h || part[2] !== w)) {
          throw new Error(`${network.arch}: '${node.id}' joins ${parts.map((part) => part.join("×")).join(", ")}`);
        }
        shapes.set(node.id, [parts.reduce((sum, [c]) => sum + c, 0), h, w]);
        break;
      }
      case "globalpool":
        shapes.set(node.id, [at(node.input)[0], 1, 1]);
        break;
      case "linear":
        shapes.set(node.id, [node.out, 1, 1]);
        break;
    }
  }
  return shapes;
}

/** Height or width after a window of `kernel` has slid over `n` positions and the padding at both ends. */
export function sideAfter(
  n: number,
  { kernel, stride, padding }: { kernel: number; stride: number; padding: number },
): number {
  return Math.floor((n + 2 * padding - kernel) / stride) + 1;
}

/** The nodes that a node reads. */
export function inputsOf(node: LayerNode): string[] {
  if (node.op === "input") return [];
  return node.op === "add" || node.op === "concat" ? node.inputs : [node.input];
}

/** The conv units in order: the layers of neurons. */
export function convUnits(network: Network): ConvUnit[] {
  return network.nodes.filter((node) => node.op === "conv");
}

/** Layer names and widths in order: which neurons there are. */
export function neuronLayers(network: Network): LayerWidth[] {
  return convUnits(network).map((unit) => ({ name: unit.id, width: unit.out }));
}

export function classifierOf(network: Network): LinearNode {
  const last = network.nodes[network.nodes.length - 1];
  if (last.op !== "linear") throw new Error(`${network.arch}: the last node is not the classifier`);
  return last;
}

/** Parameters and buffers that the state dict holds, in PyTorch's order, with shapes. */
export function stateShapes(network: Network): Map<string, number[]> {
  const shapes = inferShapes(network);
  const entries = new Map<string, number[]>();
  for (const node of network.nodes) {
    if (node.op === "conv") {
      const inputs = shapes.get(node.input)![0];
      entries.set(`${node.id}.weight`, [node.out, inputs, node.kernel, node.kernel]);
      if (node.bias) entries.set(`${node.id}.bias`, [node.out]);
      for (const part of ["weight", "bias", "running_mean", "running_var"])
        entries.set(`${node.bn}.${part}`, [node.out]);
    } else if (node.op === "linear") {
      entries.set(`${node.id}.weight`, [node.out, shapes.get(node.input)![0]]);
      entries.set(`${node.id}.bias`, [node.out]);
    }
  }
  return entries;
}

/** Trainable parameters: the state without batch-norm buffers. */
export function countParameters(network: Network): number {
  let count = 0;
  for (const [key, shape] of stateShapes(network)) {
    if (!/running_(mean|var)$/.test(key)) count += shape.reduce((product, n) => product * n, 1);
  }
  return count;
}
