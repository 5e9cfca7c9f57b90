import type { LayerWidth } from "../../core/neurons.ts";
import { type Network, neuronLayers } from "../../graph/network.ts";
import type { StateDict } from "../../tensor/state.ts";
import type { Named } from "./truth.ts";

/**
 * Layers of neurons by the file's names and by ours, and by both without the wrappers that all filters' names share.
 *
 * @param network ours that fits; null: none
 * @param theirs our name → the file's
 */
export function namedLayers(state: StateDict, network: Network | null, theirs: ReadonlyMap<string, string>): Named {
  const layers = network ? neuronLayers(network) : weightLayers(state);
  const byName = new Map<string, LayerWidth>();
  const names = layers.map(({ name }) => withoutWeight(theirs.get(`${name}.weight`) ?? name));
  const filters = names.filter((_, i) => state.get(`${layers[i].name}.weight`)?.shape.length === 4);
  const shared = sharedPrefix(filters).length;
  for (const [i, layer] of layers.entries()) if (filters.includes(names[i])) byName.set(names[i].slice(shared), layer);
  for (const [i, layer] of layers.entries()) byName.set(names[i], layer).set(layer.name, layer);
  const layer = (name: string) => {
    const bare = withoutWeight(name);
    return byName.get(bare) ?? byName.get(bare.replace(/^module\./, ""));
  };
  return { layers, isOrdered: network !== null, layer };
}

function withoutWeight(key: string): string {
  return key.replace(/\.weight$/, "");
}

/** The first parts that all names share, dot included; none of a single name. */
function sharedPrefix(names: readonly string[]): string {
  let prefix = "";
  for (;;) {
    const part = /^[^.]+\./.exec(names[0]?.slice(prefix.length) ?? "")?.[0];
    if (part === undefined || names.length < 2 || !names.every((name) => name.startsWith(prefix + part))) return prefix;
    prefix += part;
  }
}

/** Layers of a network that is none of ours: what has a weight of two dimensions or more. */
function weightLayers(state: StateDict): LayerWidth[] {
  return [...state].flatMap(([key, { shape }]) =>
    key.endsWith(".weight") && shape.length >= 2 ? [{ name: key.slice(0, -".weight".length), width: shape[0] }] : [],
  );
}
