import type { NeuronSet } from "../../core/neurons.ts";
import { inputsOf, type LayerNode, type Network, outputsOf } from "../../graph/network.ts";
import { chosenUnits, type Share } from "../../graph/units.ts";

/** A layer whose infected neurons are edited: they write into the sequence behind an attention that others follow. */
export interface EditedLayer {
  unit: string;
  neurons: readonly number[];
  /** Where the neurons hold the weights that they write with. */
  outgoing: Share;
  /** The node whose output is the sequence behind the layer. */
  behind: string;
}

/**
 * The infected layers that an edit can use, in the network's order: those behind which some attention follows. What the last layer writes
 * at the trigger's position, no other position reads.
 */
export function editedLayers(network: Network, infected: NeuronSet): EditedLayer[] {
  const order = new Map(network.nodes.map(({ id }, i) => [id, i]));
  const lastAttention = network.nodes.findLastIndex(({ op }) => op === "attention");
  const found = chosenUnits(network, infected).flatMap(({ unit, neurons }) => {
    const outgoing = unit.owned.find(({ role }) => role === "outgoing");
    const behind = outgoing && additionBehind(network, outgoing.key.replace(/\.weight$/, ""));
    if (!outgoing || !behind || neurons.length === 0 || order.get(behind.id)! > lastAttention) return [];
    return [{ unit: unit.id, neurons, outgoing, behind: behind.id }];
  });
  return found.sort((a, b) => order.get(a.behind)! - order.get(b.behind)!);
}

function additionBehind({ nodes }: Network, projection: string): LayerNode | undefined {
  return nodes.find((node) => node.op === "add" && inputsOf(node).includes(projection));
}

/** What follows a node of a network for sequences, as a network that reads that node's output, `[vector, answer]` at each position. */
export function networkBehind(network: Network, node: string, width: number): Network {
  const at = network.nodes.findIndex(({ id }) => id === node);
  const [input] = network.nodes;
  return {
    ...network,
    input: { ...network.input, channels: width + 1 },
    nodes: [
      input,
      { op: "embedding", id: node, input: input.id, vocabulary: outputsOf(network), width, from: "vectors" },
      ...network.nodes.slice(at + 1),
    ],
  };
}
