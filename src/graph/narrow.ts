import type { NeuronSet } from "../core/neurons.ts";
import { type ConvUnit, classifierOf, inferShapes, inputsOf, type LayerNode, type Network } from "./network.ts";
import { opOf } from "./ops/registry.ts";

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
  const found = new Map<string, number[]>();
  const at = (id: string) => found.get(id)!;
  const behind = (node: LayerNode): number[] => {
    if (node.op === "input") return Array.from({ length: network.input.channels }, (_, c) => c);
    const inputs = inputsOf(node);
    const { channels } = opOf(node);
    if (channels === "own") return neurons[node.id] ?? [];
    if (channels === "spread") throw new Error(`'${node.id}': a sub-network is not replaced through a flattened map`);
    if (channels === "kept") {
      const [first, ...others] = inputs.map(at);
      const different = others.find((other) => other.join() !== first.join());
      if (!different) return first;
      throw new Error(`'${node.id}' adds channels ${first} and ${different} of the sub-network: they must be the same`);
    }
    let offset = 0;
    return inputs.flatMap((id) => {
      const start = offset;
      offset += shapes.get(id)![0];
      return at(id).map((c) => start + c);
    });
  };
  for (const node of network.nodes) found.set(node.id, behind(node));
  return found;
}
