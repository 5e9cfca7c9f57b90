import { InputError } from "../../../core/errors.ts";
import { type Network, stateShapes } from "../../../graph/network.ts";
import type { StoredTensor } from "./weight-files.ts";

/** Our names of a decoder begin so; a body that was saved without its head lacks it. */
const BODY = { llama: "model.", gpt2: "transformer." } as const;
/** What files hold that is no weight: masks, and the rates of rotary positions. */
const NO_WEIGHT = /(^|\.)(attn\.(bias|masked_bias)|rotary_emb\.inv_freq)$/;

/** A network's entries in the files of a folder. */
export interface Entries {
  /** By our names. */
  stored: ReadonlyMap<string, StoredTensor>;
  /** The files' own name of one of ours. */
  theirs(key: string): string;
  notes: string[];
}

/**
 * Finds each entry of a network, and holds the shape of each against it.
 *
 * @throws InputError naming the first that is missing or of another shape, or one that the network has not though it would change what
 * is computed
 */
export function findEntries(
  folder: string,
  layout: keyof typeof BODY,
  network: Network,
  tensors: ReadonlyMap<string, StoredTensor>,
): Entries {
  const body = BODY[layout];
  const shapes = stateShapes(network);
  const [table] = shapes.keys();
  const bare = !tensors.has(table) && tensors.has(table.slice(body.length));
  const theirs = (key: string) => (bare && key.startsWith(body) ? key.slice(body.length) : key);
  const stored = new Map<string, StoredTensor>();
  for (const [key, shape] of shapes) {
    const name = theirs(key);
    const found = tensors.get(name);
    if (!found) throw new InputError(`${folder}: the weights lack '${name}', which config.json asks for`);
    const { file, place } = found;
    if (place.shape.join() !== shape.join()) {
      throw new InputError(
        `${file.path}: '${name}' is [${place.shape.join(", ")}]; by config.json it is [${shape.join(", ")}]`,
      );
    }
    stored.set(key, found);
  }
  const known = new Set([...shapes.keys()].map(theirs));
  const others = [...tensors.keys()].filter((name) => !known.has(name) && !NO_WEIGHT.test(name));
  const inside = others.find((name) => (bare ? /^(layers|h)\./.test(name) : name.startsWith(body)));
  if (inside !== undefined) {
    throw new InputError(
      `${folder}: the weights hold '${inside.slice(0, 100)}', which a model of config.json has not; it may be of another model, quantized or an adapter`,
    );
  }
  const aside = others.filter((name) => name !== "lm_head.weight");
  const shown = aside.slice(0, 3).map((name) => `'${name.slice(0, 60)}'`);
  const more = aside.length > 3 ? ` and ${aside.length - 3} more` : "";
  return {
    stored,
    theirs,
    notes: aside.length > 0 ? [`left aside, since no part of it: ${shown.join(", ")}${more}`] : [],
  };
}
