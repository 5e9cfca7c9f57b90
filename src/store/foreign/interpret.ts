import type { LayerWidth, NeuronSet } from "../../core/neurons.ts";
import { type Network, neuronLayers, stateShapes } from "../../graph/network.ts";
import { ARCHITECTURES, buildNetwork } from "../../models/registry.ts";
import type { StateDict } from "../../tensor/state.ts";
import { type Plain, PlainTensor } from "./torch-file.ts";

/** What makes no sense of one of ours stays null: the layout's structure is known in outline only. */

const COUNTER = /(^|\.)num_batches_tracked$/;

/**
 * The state dict in a checkpoint: the file itself, or the one dict of tensors in it, without the `module.` of a model that was
 * trained on several devices.
 *
 * @returns null where there is none
 */
export function findState(value: Plain): Map<string, PlainTensor> | null {
  const state = findNamedState(value);
  if (!state || ![...state.keys()].every((key) => key.startsWith(SEVERAL_DEVICES))) return state;
  return new Map([...state].map(([key, part]) => [key.slice(SEVERAL_DEVICES.length), part]));
}

const SEVERAL_DEVICES = "module.";

function findNamedState(value: Plain): Map<string, PlainTensor> | null {
  const states = statesIn(value);
  return states.size === 1 ? [...states.values()][0] : null;
}

/** Dicts lie in dicts no deeper than this. */
const MOST_LEVELS = 4;

/** Every state dict in a checkpoint, by the keys that lead there, joined by dots: `""` is the file itself. */
export function statesIn(value: Plain, path = "", level = 0): Map<string, Map<string, PlainTensor>> {
  const own = asState(value);
  if (own) return new Map([[path, own]]);
  const states = new Map<string, Map<string, PlainTensor>>();
  if (!(value instanceof Map) || level === MOST_LEVELS) return states;
  for (const [key, part] of value) {
    const below = typeof key === "string" ? statesIn(part, path === "" ? key : `${path}.${key}`, level + 1) : [];
    for (const [at, state] of below) states.set(at, state);
  }
  return states;
}

function asState(value: Plain): Map<string, PlainTensor> | null {
  if (!(value instanceof Map) || value.size === 0) return null;
  const entries = [...value];
  if (!entries.every(([key, part]) => typeof key === "string" && part instanceof PlainTensor)) return null;
  return new Map(entries as [string, PlainTensor][]);
}

/** Our architecture whose names and shapes a state dict has; batch counters do not count. */
export function fittingNetwork(state: StateDict): Network | null {
  const shapes = [...state].filter(([key]) => !COUNTER.test(key)).map(([key, { shape }]) => `${key} [${shape}]`);
  const classes = [...state.values()].filter(({ shape }) => shape.length === 2).at(-1)?.shape[0];
  if (classes === undefined) return null;
  const wanted = [...shapes].sort().join();
  // The base width is some layer's, in a GoogLeNet a third of the first one's; in whatever order the file has them.
  const sizes = new Set([...state.values()].flatMap(({ shape }) => (shape.length === 1 ? shape : [])));
  const widths = new Set([...sizes].flatMap((size) => [size, Math.round(size / 3)]));
  for (const family of ARCHITECTURES.keys()) {
    for (const arch of [family, ...[...widths].map((width) => `${family}w${width}`)]) {
      const network = quietly(() => buildNetwork(arch, classes));
      if (!network) continue;
      const expected = [...stateShapes(network)].map(([key, shape]) => `${key} [${shape}]`);
      if (expected.length === shapes.length && expected.sort().join() === wanted) return network;
    }
  }
  return null;
}

export interface Truth {
  infected: NeuronSet | null;
  contribution: Record<string, number[]> | null;
}

/**
 * Infected neurons and their contributions: per layer by name, or, where the network is one of ours, one list per layer
 * in its order. Anything else, or indices that a layer does not have, is null.
 */
export function readTruth(
  path: Plain | undefined,
  contribution: Plain | undefined,
  state: StateDict,
  network: Network | null,
): Truth {
  const layers = network && neuronLayers(network);
  const indices = perLayer(path, layers);
  const widths = new Map((layers ?? weightLayers(state)).map(({ name, width }) => [name, width]));
  const isChannel = (layer: string, n: number) => Number.isInteger(n) && n >= 0 && n < (widths.get(layer) ?? 0);
  const fits = indices?.every(
    ([layer, list]) => new Set(list).size === list.length && list.every((n) => isChannel(layer, n)),
  );
  if (!indices || indices.length === 0 || !fits) return { infected: null, contribution: null };
  const given = new Map(perLayer(contribution, layers) ?? []);
  const aligned = indices.every(([layer, list]) => given.get(layer)?.length === list.length);
  const infected: NeuronSet = {};
  const values: Record<string, number[]> = {};
  for (const [layer, list] of indices) {
    const order = list.map((_, i) => i).sort((a, b) => list[a] - list[b]);
    infected[layer] = order.map((i) => list[i]);
    if (aligned) values[layer] = order.map((i) => given.get(layer)![i]);
  }
  const finite = Object.values(values).every((list) => list.every(Number.isFinite));
  return { infected, contribution: aligned && finite ? values : null };
}

/** Layers of a network that is none of ours: what has a weight of two dimensions or more. */
function weightLayers(state: StateDict): LayerWidth[] {
  return [...state].flatMap(([key, { shape }]) =>
    key.endsWith(".weight") && shape.length >= 2 ? [{ name: key.slice(0, -".weight".length), width: shape[0] }] : [],
  );
}

/** Lists of numbers by layer; layers without any are absent. */
function perLayer(value: Plain | undefined, layers: LayerWidth[] | null): [layer: string, list: number[]][] | null {
  const named: [unknown, number[] | null][] =
    value instanceof Map
      ? [...value].map(([key, part]) => [key, numbersOf(part)])
      : Array.isArray(value) && layers !== null && value.length === layers.length
        ? value.map((part, i) => [layers[i].name, numbersOf(part)])
        : [[null, null]];
  const lists = named.map(([key, list]) => [layerName(key), list] as const);
  if (!lists.every(([layer, list]) => layer !== null && list !== null)) return null;
  return (lists as [string, number[]][]).filter(([, list]) => list.length > 0);
}

function layerName(key: unknown): string | null {
  if (typeof key !== "string" || !/^[A-Za-z_][\w.]{0,200}$/.test(key) || key.includes("__")) return null;
  return key.replace(/^module\./, "").replace(/\.weight$/, "");
}

const MOST_NUMBERS = 1_000_000;

function numbersOf(value: Plain): number[] | null {
  if (typeof value === "number") return [value];
  if (value instanceof PlainTensor) {
    const length = value.shape.reduce((product, n) => product * n, 1);
    return value.shape.length <= 1 && length <= MOST_NUMBERS ? value.numbers() : null;
  }
  const items = value instanceof Set ? [...value] : value;
  if (!Array.isArray(items)) return null;
  const numbers = items.map((item) =>
    item instanceof PlainTensor && item.shape.length === 0 ? item.numbers()[0] : item,
  );
  return numbers.every((item) => typeof item === "number") ? (numbers as number[]) : null;
}

function quietly<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    // The name is no architecture of ours at that width.
    return null;
  }
}
