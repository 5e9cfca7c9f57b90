import { type AddNode, inputsOf, type Network } from "./network.ts";

/**
 * Additions that a convolution before them computes as it goes, by that unit's id: the later input, where it is a unit
 * without ReLU that feeds nothing else.
 */
export function fusedAdditions(network: Network): Map<string, AddNode> {
  const fused = new Map<string, AddNode>();
  const order = new Map(network.nodes.map((node, i) => [node.id, i]));
  const uses = new Map<string, number>();
  for (const node of network.nodes) for (const id of inputsOf(node)) uses.set(id, (uses.get(id) ?? 0) + 1);
  for (const node of network.nodes) {
    if (node.op !== "add") continue;
    // Of a part of a network, an input may lie outside: it is there before all else.
    const place = (id: string) => order.get(id) ?? -1;
    const later = [...node.inputs].sort((a, b) => place(b) - place(a))[0];
    const unit = network.nodes[place(later)];
    if (unit?.op === "conv" && !unit.relu && uses.get(later) === 1) fused.set(later, node);
  }
  return fused;
}
