import { inputsOf, type LayerNode, type Network, unitAt } from "./network.ts";
import { opOf } from "./ops/registry.ts";
import type { Unit } from "./units.ts";

/** Which units' channels a feature consists of, in order: several where a concatenation joined them. */
type Parts = string[];

/**
 * The units whose channels meet in additions, also through identity paths, pools and concatenations: channel i of
 * one is added to channel i of the others. Every unit is in exactly one group; most are alone. Groups and their members
 * are in the order of the network.
 *
 * @throws Error where an addition joins features that do not consist of equally wide units in the same order
 */
export function tiedUnits(network: Network): string[][] {
  const parent = new Map<string, string>();
  const widths = new Map<string, number>();
  const parts = new Map<string, Parts>();
  const root = (id: string): string => (parent.get(id) === id ? id : root(parent.get(id)!));
  for (const node of network.nodes) {
    const unit = unitAt(network, node);
    if (unit) {
      parent.set(unit.id, unit.id);
      widths.set(unit.id, unit.width);
    }
    const inputs = inputsOf(node).map((id) => parts.get(id)!);
    if (node.op === "add") {
      const [first, ...others] = inputs;
      for (const other of others) {
        if (first.length === 0 || first.map((id) => widths.get(id)).join() !== other.map((id) => widths.get(id)).join())
          throw new Error(`${network.arch}: '${node.id}' adds features whose channels do not correspond unit by unit`);
        first.forEach((id, k) => {
          parent.set(root(other[k]), root(id));
        });
      }
    }
    parts.set(node.id, partsOf(node, inputs, unit));
  }
  const groups = new Map<string, string[]>();
  for (const id of parent.keys()) groups.set(root(id), [...(groups.get(root(id)) ?? []), id]);
  return [...groups.values()];
}

function partsOf(node: LayerNode, inputs: Parts[], unit: Unit | undefined): Parts {
  const { channels } = opOf(node);
  if (channels === "own" || channels === "spread") return unit ? [node.id] : [];
  return channels === "joined" ? inputs.flat() : inputs[0];
}
