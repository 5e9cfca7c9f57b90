import type { NeuronSet } from "../core/neurons.ts";
import { type ConvUnit, classifierOf, inferShapes, type LayerNode, type Network } from "./network.ts";

/**
 * The narrow twin of a network (docs/methods.md §7.4): the same topology with only as many channels per unit as the
 * sub-network has, and one output. With the classifier's weights at 1/w and bias 0 (see `meanHead`) that output is the
 * chain's score `s(x)`: the mean of the last features' pooled channels.
 */
export function narrowNetwork(network: Network, neurons: NeuronSet): Network {
  const width = (unit: ConvUnit) => {
    const count = neurons[unit.id]?.length ?? 0;
    if (count === 0) throw new Error(`a narrow twin needs a neuron in every layer; '${unit.id}' has none`);
    return count;
  };
  const nodes = network.nodes.map((node): LayerNode => {
    if (node.op === "conv") return { ...node, out: width(node) };
    return node.op === "linear" ? { ...node, out: 1 } : node;
  });
  return { ...network, arch: `${network.arch} chain`, classes: 1, nodes };
}

/** The frozen classifier of a narrow twin: weights 1/w, bias 0. */
export function meanHead(narrow: Network): { weight: Float32Array; bias: Float32Array } {
  const channels = inferShapes(narrow).get(classifierOf(narrow).input)![0];
  return { weight: new Float32Array(channels).fill(1 / channels), bias: new Float32Array(1) };
}

/**
 * Where a sub-network's channels lie in every feature of the network, ascending: of the image all channels, behind an
 * addition those of both its inputs, behind a concatenation the branches' with their offsets.
 *
 * @throws Error where the two inputs of an addition hold the sub-network at different channels
 */
export function chainChannels(network: Network, neurons: NeuronSet): Map<string, number[]> {
  const shapes = inferShapes(network);
  const channels = new Map<string, number[]>();
  const at = (id: string) => channels.get(id)!;
  const behind = (node: LayerNode): number[] => {
    switch (node.op) {
      case "input":
        return Array.from({ length: network.input.channels }, (_, c) => c);
      case "conv":
        return neurons[node.id] ?? [];
      case "add": {
        const [a, b] = node.inputs.map(at);
        if (a.join() === b.join()) return a;
        throw new Error(`'${node.id}' adds channels ${a} and ${b} of the sub-network: they must be the same`);
      }
      case "concat": {
        let offset = 0;
        return node.inputs.flatMap((id) => {
          const start = offset;
          offset += shapes.get(id)![0];
          return at(id).map((c) => start + c);
        });
      }
      case "linear":
        return [];
      default:
        return at(node.input);
    }
  };
  for (const node of network.nodes) channels.set(node.id, behind(node));
  return channels;
}
