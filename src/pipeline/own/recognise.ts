import { InputError } from "../../core/errors.ts";
import { type Network, stateShapes } from "../../graph/network.ts";
import { ARCHITECTURES, buildNetwork } from "../../models/registry.ts";
import { fittingNetwork } from "../../store/foreign/interpret.ts";
import type { StateDict } from "../../tensor/state.ts";

/** What its owner says of a network. */
export interface Said {
  arch?: string;
  classes?: number;
}

/**
 * The architecture whose names and shapes a state dict has, under our names; or the one that its owner names.
 *
 * @param theirs our name → the file's, for messages
 * @throws InputError that says which name or shape of the nearest architecture differs
 */
export function recognise(file: string, state: StateDict, theirs: ReadonlyMap<string, string>, said: Said): Network {
  const inferred = [...state.values()].filter(({ shape }) => shape.length === 2).at(-1)?.shape[0];
  if (said.classes !== undefined && inferred !== undefined && said.classes !== inferred) {
    throw new InputError(`--classes ${said.classes}: the classifier of ${file} has ${inferred} rows`);
  }
  const classes = said.classes ?? inferred;
  if (classes === undefined) throw new InputError(`${file}: has no linear classifier; it fits no architecture`);
  if (said.arch !== undefined) {
    const network = buildNetwork(said.arch, classes);
    const fault = firstDifference(network, state, theirs);
    if (fault === null) return network;
    throw new InputError(`${file}: is no ${said.arch}: ${fault}`);
  }
  const network = fittingNetwork(state);
  if (network) return network;
  const near = nearest(state, classes);
  const fault = near && firstDifference(near, state, theirs);
  throw new InputError(
    `${file}: fits no architecture${near ? `; the nearest is ${near.arch}: ${fault}` : ` (${[...ARCHITECTURES.keys()].join(", ")})`}`,
  );
}

/** The architecture with most tensors of the same name and shape; null where none has any. */
function nearest(state: StateDict, classes: number): Network | null {
  const sizes = new Set([...state.values()].flatMap(({ shape }) => (shape.length === 1 ? shape : [])));
  let best: { network: Network; same: number } | null = null;
  for (const family of ARCHITECTURES.keys()) {
    for (const width of [...sizes, ...[...sizes].map((size) => Math.round(size / 3))]) {
      if (width < 4 || width > 256) continue;
      const network = buildNetwork(width === 64 ? family : `${family}w${width}`, classes);
      const shapes = [...stateShapes(network)];
      const same = shapes.filter(([key, shape]) => state.get(key)?.shape.join() === shape.join()).length;
      if (same > 0 && (best === null || same > best.same)) best = { network, same };
    }
  }
  return best?.network ?? null;
}

/** In words, under the file's names; null where there is none. Counters of batches do not count. */
function firstDifference(network: Network, state: StateDict, theirs: ReadonlyMap<string, string>): string | null {
  const shapes = stateShapes(network);
  const shown = (key: string) => `'${(theirs.get(key) ?? key).slice(0, 200)}'`;
  for (const [key, shape] of shapes) {
    const found = state.get(key)?.shape;
    if (!found) return `it lacks ${shown(key)}`;
    if (found.join() !== shape.join()) return `${shown(key)} is [${found.join(", ")}], not [${shape.join(", ")}]`;
  }
  const further = [...state.keys()].find((key) => !shapes.has(key) && !key.endsWith("num_batches_tracked"));
  return further === undefined ? null : `it has ${shown(further)} too`;
}
