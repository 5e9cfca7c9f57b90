import { inferShapes, inputsOf, type LayerNode, type Network } from "./network.ts";

/**
 * Nodes after which nothing earlier is needed: the output of one of them determines the rest of the network, so a
 * change further on needs only the suffix run again.
 */
export function cutPoints(network: Network): string[] {
  const order = new Map(network.nodes.map((node, i) => [node.id, i]));
  const points: string[] = [];
  for (let i = 0; i < network.nodes.length; i++) {
    const node = network.nodes[i];
    if (node.op === "globalpool" || node.op === "linear") break;
    const reachesBack = network.nodes.slice(i + 1).some((later) => inputsOf(later).some((id) => order.get(id)! < i));
    if (!reachesBack) points.push(node.id);
  }
  return points;
}

/** The part of a network after a cut point, as a network of its own whose image is the feature at the cut. */
export function suffixNetwork(network: Network, cut: string): Network {
  const [channels, height, width] = inferShapes(network).get(cut)!;
  const at = network.nodes.findIndex((node) => node.id === cut);
  return {
    ...network,
    input: { channels, height, width },
    nodes: [{ op: "input", id: cut }, ...network.nodes.slice(at + 1)],
  };
}

/** The part of a network up to a cut point (inclusive); it has no classifier. */
export function prefixNodes(network: Network, cut: string): LayerNode[] {
  return network.nodes.slice(0, network.nodes.findIndex((node) => node.id === cut) + 1);
}
