import { InputError } from "../../core/errors.ts";
import { isAside } from "../../tasks/classification/models/recognition/recognise.ts";
import { OTHER_TENSOR } from "../../tensor/torch-checkpoint.ts";
import { Bystander, bystandersIn, type Plain, PlainTensor } from "./torch-file.ts";

/** One of the state dicts in a checkpoint. */
export interface TakenState {
  /** The keys that lead to it, joined by dots; `""`: the file itself. */
  name: string;
  tensors: Map<string, PlainTensor>;
  /** The others, by name. */
  others: string[];
  /** What its owner named within it: only names that begin so are meant. */
  part: string;
}

/** Whether an entry of a dict is a weight of the network that is looked for. */
export type IsWeight = (entry: [name: string, tensor: PlainTensor]) => boolean;

/**
 * The state dict that a checkpoint is about: the one that is named, the only one with filters, or the only one that is no
 * average of weights.
 *
 * @param key its name, which may go on into its own names; undefined: whichever is plain
 * @param isWeight tells the weights of the network that is looked for
 * @throws InputError where there is none of that name, or several
 */
export function takeState(file: string, value: Plain, key?: string, isWeight: IsWeight = isFilter): TakenState {
  const states = statesIn(value);
  // An optimizer's or a normalisation's few tensors are no network.
  const names = [...states].filter(([, state]) => [...state].some(isWeight)).map(([name]) => name);
  if (names.length === 0) {
    const whole = moduleIn(value);
    throw new InputError(
      whole === null
        ? `${file}: holds ${instead(value)}`
        : `${file}: holds a whole pickled model (${whole}), which only its own code can open: save model.state_dict()`,
    );
  }
  const others = (name: string) => names.filter((other) => other !== name);
  if (key !== undefined) {
    const found = named(states, names, key);
    if (found) return { ...found, tensors: states.get(found.name)!, others: others(found.name) };
    const held = names.map((name) => name || "one, whose names do not begin so").join(", ");
    throw new InputError(`--key ${key}: ${file} holds ${held}`);
  }
  const plain = names.filter((name) => !isAside(name));
  const [name, ...more] = plain.length > 0 ? plain : names;
  if (more.length > 0) {
    throw new InputError(`${file}: holds several state dicts; choose one with --key: ${names.join(", ")}`);
  }
  return { name, tensors: states.get(name)!, others: others(name), part: "" };
}

/** The state dict that a key leads to, or into; or the only one with names that begin so. */
function named(states: ReadonlyMap<string, Map<string, PlainTensor>>, names: readonly string[], key: string) {
  if (names.includes(key)) return { name: key, part: "" };
  const holds = (name: string, part: string) => [...states.get(name)!.keys()].some((tensor) => tensor.startsWith(part));
  for (const name of names) {
    const part = `${key.slice(name.length + 1)}.`;
    if (name !== "" && key.startsWith(`${name}.`) && holds(name, part)) return { name, part };
  }
  const within = names.filter((name) => holds(name, `${key}.`));
  return within.length === 1 ? { name: within[0], part: `${key}.` } : null;
}

const MOST_KEYS = 6;

/** What a checkpoint without weights holds in place of a state dict, with the mend. */
function instead(value: Plain): string {
  const kind = bystandersIn(value).find((name) => name.startsWith(OTHER_TENSOR));
  if (kind !== undefined)
    return `no weights that are read, but tensors of ${kind.slice(OTHER_TENSOR.length)}: save floats`;
  return `no state dict${heldBy(value)}: save the model's state_dict()`;
}

/** What a checkpoint without weights holds, in a few words. */
function heldBy(value: Plain): string {
  if (value instanceof Bystander) return `, but an object of ${value.name.slice(0, 100)}`;
  if (value instanceof PlainTensor) return `, but one tensor [${value.shape.join(", ")}]`;
  if (!(value instanceof Map)) return "";
  const keys = [...value.keys()].filter((key) => typeof key === "string").map((key) => key.slice(0, 50));
  const more = keys.length > MOST_KEYS ? ", …" : "";
  return keys.length === 0 ? "" : `, but a dict of ${keys.slice(0, MOST_KEYS).join(", ")}${more}`;
}

/** Filters are weights by name: an optimizer's averages and a trigger's pattern have their shapes too. */
function isFilter([name, { shape }]: [string, PlainTensor]): boolean {
  return shape.length === 4 && /(^|\.)weight(_\w+|\.original\d?)?$/.test(name);
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
