import { InputError } from "../../core/errors.ts";
import { type Network, stateShapes } from "../../graph/network.ts";
import { ARCHITECTURES, buildNetwork } from "../../models/registry.ts";
import type { StateDict } from "../../tensor/state.ts";
import { Bystander, type Plain, PlainTensor } from "./torch-file.ts";

const COUNTER = /(^|\.)num_batches_tracked$/;

/** One of the state dicts in a checkpoint. */
export interface TakenState {
  /** The keys that lead to it, joined by dots; `""`: the file itself. */
  name: string;
  tensors: Map<string, PlainTensor>;
  /** The others, by name. */
  others: string[];
}

/** Averages of weights, and what else training keeps by the weights' names. */
const AVERAGE = /(^|[._])(ema|swa|avg|average|averaged|shadow|teacher|momentum|optim|grad|mask)/i;

/**
 * The state dict that a checkpoint is about: the one that is named, the only one with filters, or the only one that is no
 * average of weights.
 *
 * @param key its name; undefined: whichever is plain
 * @throws InputError where there is none of that name, or several
 */
export function takeState(file: string, value: Plain, key?: string): TakenState {
  const states = statesIn(value);
  // An optimizer's or a normalisation's few tensors are no network.
  const names = [...states].filter(([, state]) => [...state].some(isFilter)).map(([name]) => name);
  if (names.length === 0) {
    const whole = moduleIn(value);
    throw new InputError(
      whole === null
        ? `${file}: holds no state dict: save the model's state_dict()`
        : `${file}: holds a whole pickled model (${whole}), which only its own code can open: save model.state_dict()`,
    );
  }
  if (key !== undefined && !names.includes(key))
    throw new InputError(`--key ${key}: ${file} holds ${names.join(", ")}`);
  const plain = names.filter((name) => !AVERAGE.test(name));
  const [first, ...more] = plain.length > 0 ? plain : names;
  if (key === undefined && more.length > 0) {
    throw new InputError(`${file}: holds several state dicts; choose one with --key: ${names.join(", ")}`);
  }
  const name = key ?? first;
  return { name, tensors: states.get(name)!, others: names.filter((other) => other !== name) };
}

/** Filters are weights by name: an optimizer's averages and a trigger's pattern have their shapes too. */
function isFilter([name, { shape }]: [string, PlainTensor]): boolean {
  return shape.length === 4 && /(^|\.)weight(_\w+)?$/.test(name);
}

/** The class of a network that was pickled whole, anywhere in the data. */
function moduleIn(value: Plain): string | null {
  if (value instanceof Bystander) return value.isModule ? value.name : null;
  if (!(value instanceof Map || Array.isArray(value))) return null;
  for (const part of value.values()) {
    const found = moduleIn(part);
    if (found !== null) return found;
  }
  return null;
}

/** Dicts and lists lie in each other no deeper than this. */
const MOST_LEVELS = 6;

/** Every state dict in a checkpoint, by the keys that lead there, joined by dots: `""` is the file itself. */
export function statesIn(value: Plain, path = "", level = 0): Map<string, Map<string, PlainTensor>> {
  const own = asState(value);
  if (own) return new Map([[path, own]]);
  const states = new Map<string, Map<string, PlainTensor>>();
  if (!(value instanceof Map || Array.isArray(value)) || level === MOST_LEVELS) return states;
  for (const [key, part] of value.entries()) {
    const step = typeof key === "string" || typeof key === "number" ? String(key) : null;
    if (step === null) continue;
    for (const [at, state] of statesIn(part, path === "" ? step : `${path}.${step}`, level + 1)) states.set(at, state);
  }
  return states;
}

/** The tensors of a dict that holds tensors and nothing else, or filters with bystanders beside them. */
function asState(value: Plain): Map<string, PlainTensor> | null {
  if (!(value instanceof Map)) return null;
  const entries = [...value].filter(
    (entry): entry is [string, PlainTensor] => typeof entry[0] === "string" && entry[1] instanceof PlainTensor,
  );
  if (entries.length === 0) return null;
  const isWhole = entries.length === value.size || entries.some(isFilter);
  return isWhole ? new Map(entries) : null;
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

function quietly<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    // The name is no architecture of ours at that width.
    return null;
  }
}
