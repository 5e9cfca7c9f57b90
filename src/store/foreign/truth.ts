import { InputError } from "../../core/errors.ts";
import type { LayerWidth, NeuronSet } from "../../core/neurons.ts";
import { type Plain, PlainTensor } from "./torch-file.ts";

/** Infected neurons and their contributions, as people write them down. */
export interface Truth {
  infected: NeuronSet | null;
  contribution: Record<string, number[]> | null;
  /** What was left out, a line each. */
  notes: string[];
}

const NO_TRUTH: Truth = { infected: null, contribution: null, notes: [] };

/** What truth may say of a network. */
export interface Named {
  /** The layers of neurons in the network's order. */
  layers: readonly LayerWidth[];
  /** Whether they are known to be in order, so that lists without names can be told apart. */
  isOrdered: boolean;
  /** A layer by a name of the file's or of ours; undefined: there is none. */
  layer(name: string): LayerWidth | undefined;
}

/**
 * Reads infected neurons: for each layer (by its name, or all layers in order) a list, tuple, set, range or tensor of
 * indices, or a mask; or one list of `"layer:index"` texts or `(layer, index)` pairs.
 *
 * @param file for messages; null: nothing was told
 * @throws InputError where it is none of these, or names what the network does not have
 */
export function readTruth(
  file: string | null,
  value: Plain | undefined,
  contributionFile: string | null,
  contribution: Plain | undefined,
  named: Named,
): Truth {
  if (file === null || value === undefined) return NO_TRUTH;
  const fault = (text: string) => new InputError(`${file}: ${text}`);
  const lists = namedLists(value, named) ?? listsOfPairs(value);
  if (!lists) {
    throw fault(
      'holds no infected neurons: give a dict of layer names with lists, masks or tensors, a list of one per layer, or texts "layer:index"',
    );
  }
  const found = new Map<string, number[]>();
  for (const [name, part] of lists) {
    const layer = named.layer(name);
    if (!layer) throw fault(`names the layer '${name.slice(0, 100)}', which the network does not have`);
    const indices = indicesOf(part, layer.width);
    if (!indices) throw fault(`of layer '${layer.name}' it holds neither indices nor a mask`);
    const before = found.get(layer.name) ?? [];
    const all = [...before, ...indices];
    const beyond = all.find((n) => !Number.isInteger(n) || n < 0 || n >= layer.width);
    if (beyond !== undefined) throw fault(`names neuron ${beyond} of layer '${layer.name}', which has ${layer.width}`);
    if (new Set(all).size !== all.length) throw fault(`names a neuron of layer '${layer.name}' twice`);
    if (all.length > 0) found.set(layer.name, all);
  }
  if (found.size === 0) throw fault("names no infected neuron");
  const values = contribution === undefined ? null : contributionsOf(contribution, found, named);
  const notes =
    contribution === undefined || values
      ? []
      : [
          `${contributionFile}: left out, since it holds no number for each infected neuron of each layer, in their order`,
        ];
  const infected: NeuronSet = {};
  const aligned: Record<string, number[]> = {};
  for (const { name } of named.layers) {
    const list = found.get(name);
    if (!list) continue;
    const order = list.map((_, i) => i).sort((a, b) => list[a] - list[b]);
    infected[name] = order.map((i) => list[i]);
    if (values) aligned[name] = order.map((i) => values.get(name)![i]);
  }
  return { infected, contribution: values && aligned, notes };
}

/** By layer, or one part per layer in the network's order. */
function namedLists(value: Plain, { layers, isOrdered, layer }: Named): [layer: string, part: Plain][] | null {
  if (value instanceof Map) {
    const keys = [...value.keys()];
    return keys.every((key) => typeof key === "string") ? ([...value] as [string, Plain][]) : null;
  }
  if (!Array.isArray(value) || !isOrdered || value.length !== layers.length) return null;
  // As many pairs as there are layers are still pairs.
  if (value.every((part) => Array.isArray(part) && typeof part[0] === "string" && layer(part[0]))) return null;
  return value.some((part) => typeof part === "string") ? null : value.map((part, i) => [layers[i].name, part]);
}

/** `"layer:index"` texts and `(layer, index)` pairs. */
function listsOfPairs(value: Plain): [layer: string, part: Plain][] | null {
  const items = value instanceof Set ? [...value] : value;
  if (!Array.isArray(items) || items.length === 0) return null;
  const pairs = items.map((item): [string, Plain] | null => {
    if (typeof item === "string") {
      const match = /^(.+):(\d{1,9})$/.exec(item.trim());
      return match && [match[1], [Number(match[2])]];
    }
    const isPair = Array.isArray(item) && item.length === 2 && typeof item[0] === "string";
    return isPair ? [item[0] as string, item[1]] : null;
  });
  return pairs.every((pair) => pair !== null) ? pairs : null;
}

/** Indices as they are, or where a mask is set. */
function indicesOf(part: Plain, width: number): number[] | null {
  const isMask = part instanceof PlainTensor ? part.dtype === "BoolStorage" : isListOf(part, "boolean");
  const numbers = numbersOf(part);
  if (!numbers) return null;
  // Zeros and ones, as many as there are neurons and not all different, are no indices.
  const isFlags = numbers.length === width && width > 2 && numbers.every((n) => n === 0 || n === 1);
  if (!isMask && !isFlags) return numbers;
  return numbers.length === width ? numbers.flatMap((flag, i) => (flag === 0 ? [] : [i])) : null;
}

function isListOf(value: Plain, type: "boolean"): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === type);
}

/** Finite numbers for each infected neuron, in the order of `found`. */
function contributionsOf(
  value: Plain,
  found: ReadonlyMap<string, number[]>,
  named: Named,
): Map<string, number[]> | null {
  const given = new Map<string, number[]>();
  for (const [name, part] of namedLists(value, named) ?? []) {
    const [layer, numbers] = [named.layer(name), numbersOf(part)];
    if (layer && numbers) given.set(layer.name, numbers);
  }
  for (const [layer, { length }] of found) {
    const numbers = given.get(layer);
    if (numbers?.length !== length || !numbers.every(Number.isFinite)) return null;
  }
  return given;
}

const MOST_NUMBERS = 1_000_000;

function numbersOf(value: Plain): number[] | null {
  if (typeof value === "number") return [value];
  if (value instanceof PlainTensor) {
    const length = value.shape.reduce((product, n) => product * n, 1);
    return value.shape.filter((n) => n !== 1).length <= 1 && length <= MOST_NUMBERS ? value.numbers() : null;
  }
  const items = value instanceof Set ? [...value] : value;
  if (!Array.isArray(items) || items.length > MOST_NUMBERS) return null;
  const numbers = items.map((item) =>
    item instanceof PlainTensor && item.shape.every((n) => n === 1)
      ? item.numbers()[0]
      : typeof item === "boolean"
        ? Number(item)
        : item,
  );
  return numbers.every((item) => typeof item === "number") ? (numbers as number[]) : null;
}
