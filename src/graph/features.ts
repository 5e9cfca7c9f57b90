import { classifierOf, inferShapes, inputsOf, type LayerNode, type Network, unitAt } from "./network.ts";
import { opOf } from "./ops/registry.ts";
import type { Unit } from "./units.ts";

/** A neuron: an output channel of a unit. */
export interface Neuron {
  layer: string;
  channel: number;
}

/**
 * For each input of the classifier the neurons of the last units that it is made of: one in a plain network, through a
 * concatenation too; through an addition those of all its addends. But an identity shortcut, an addend that the other
 * one is computed from, brings an earlier block's sum, whose neurons are not the last ones: it is left out.
 */
export function lastNeurons(network: Network): Neuron[][] {
  const nodes = new Map(network.nodes.map((node) => [node.id, node]));
  const shapes = inferShapes(network);
  const positionsOf = (id: string, neurons: Neuron[]) => {
    const [, height, width] = shapes.get(id)!;
    return Array.from({ length: height * width }, () => neurons);
  };
  const trace = (id: string): Neuron[][] => {
    const node = nodes.get(id) as LayerNode;
    const inputs = inputsOf(node);
    const { channels } = opOf(node);
    if (channels === "spread") return inputs.flatMap(trace).flatMap((neurons) => positionsOf(inputs[0], neurons));
    if (channels === "joined") return inputs.flatMap(trace);
    if (channels === "kept") {
      const isShortcut = (id: string) => inputs.some((other) => upstreamOf(network, other).has(id));
      const addends = inputs.filter((input) => !isShortcut(input)).map(trace);
      return addends[0].map((_, i) => addends.flatMap((addend) => addend[i]));
    }
    const unit = unitAt(network, node);
    if (!unit) throw new Error(`${network.arch}: no neurons behind '${id}'`);
    return channelsOf(unit);
  };
  return trace(classifierOf(network).input);
}

/** Every node that a node is computed from. */
function upstreamOf(network: Network, id: string): Set<string> {
  const upstream = new Set<string>();
  for (const node of [...network.nodes].reverse()) {
    if (node.id === id || upstream.has(node.id)) for (const input of inputsOf(node)) upstream.add(input);
  }
  return upstream;
}

function channelsOf({ id, width }: Unit): Neuron[][] {
  return Array.from({ length: width }, (_, channel) => [{ layer: id, channel }]);
}
