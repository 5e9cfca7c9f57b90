import { inferShapes, inputsOf, type LayerNode, type Network } from "./network.ts";
import { opOf } from "./ops/registry.ts";

/**
 * Nodes after which nothing earlier is needed but the network's input: the output of one of them determines the rest of the network,
 * so a change further on needs only the suffix run again.
 */
export function cutPoints(network: Network): string[] {
  const order = new Map(network.nodes.map((node, i) => [node.id, i]));
  const points: string[] = [];
  for (let i = 0; i < network.nodes.length; i++) {
    const node = network.nodes[i];
    if (opOf(node).flat) break;
    // The input, which is node 0, is known everywhere.
    const isEarlier = (id: string) => order.get(id)! < i && order.get(id)! > 0;
    const reachesBack = network.nodes.slice(i + 1).some((later) => inputsOf(later).some(isEarlier));
    if (!reachesBack) points.push(node.id);
  }
  return points;
}

/** The part of a network between two of its nodes, as nodes that read features from outside. */
export interface Part {
  nodes: LayerNode[];
  /** Ids of the features that `nodes` read and that are none of theirs. */
  reads: string[];
}

/** The part of a network after one cut point, up to and including another. */
export function partBetween(network: Network, from: string, to: string): Part {
  const at = (id: string) => network.nodes.findIndex((node) => node.id === id);
  const nodes = network.nodes.slice(at(from) + 1, at(to) + 1);
  const input = network.nodes[0].id;
  const readsInput = from !== input && nodes.some((node) => inputsOf(node).includes(input));
  return { nodes, reads: [from, ...(readsInput ? [input] : [])] };
}

/**
 * All that a feature decides: the nodes that must be run again where it has changed.
 *
 * @param known nodes whose outputs are known all the same
 */
export function downstreamOf(network: Network, id: string, known: readonly string[] = []): Part {
  const changed = new Set([id]);
  const reads = new Set([id]);
  const nodes: LayerNode[] = [];
  for (const node of network.nodes) {
    const inputs = inputsOf(node);
    if (known.includes(node.id) || !inputs.some((input) => changed.has(input) || known.includes(input))) continue;
    changed.add(node.id);
    nodes.push(node);
  }
  for (const node of nodes) {
    for (const input of inputsOf(node)) if (input === id || !changed.has(input)) reads.add(input);
  }
  return { nodes, reads: [...reads] };
}

/** A channel of a feature. */
export interface FeatureChannel {
  id: string;
  channel: number;
}

/**
 * Where a unit's channel is first read together with others: in the concatenation that is all that reads it (units of
 * one concatenation then share what follows), else in its own output.
 */
export function whereRead(network: Network, { id, channel }: FeatureChannel): FeatureChannel {
  const readers = network.nodes.filter((node) => inputsOf(node).includes(id));
  const [reader] = readers;
  if (readers.length !== 1 || reader.op !== "concat") return { id, channel };
  const shapes = inferShapes(network);
  let before = 0;
  for (const input of reader.inputs) {
    if (input === id) break;
    before += shapes.get(input)![0];
  }
  return { id: reader.id, channel: before + channel };
}

/**
 * Where a unit's channel is first read together with others where it is one number everywhere: behind max-pools too, which leave it
 * that number.
 */
export function whereHeld(network: Network, channel: FeatureChannel): FeatureChannel {
  const at = whereRead(network, channel);
  const readers = network.nodes.filter((node) => inputsOf(node).includes(at.id));
  const [reader] = readers;
  return readers.length === 1 && reader.op === "maxpool" ? whereHeld(network, { ...at, id: reader.id }) : at;
}

/** The max-pools of a feature, and theirs: where its channel is one number everywhere, theirs is that number. */
export function poolsOf(network: Network, id: string): string[] {
  const pools: string[] = [];
  for (const node of network.nodes) {
    if (node.op === "maxpool" && (node.input === id || pools.includes(node.input))) pools.push(node.id);
  }
  return pools;
}

/** The part of a network up to a node (inclusive); it has no classifier. */
export function prefixNodes(network: Network, last: string): LayerNode[] {
  return network.nodes.slice(0, network.nodes.findIndex((node) => node.id === last) + 1);
}
