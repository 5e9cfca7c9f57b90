import { InputError } from "../../core/errors.ts";
import type { Network } from "../../graph/network.ts";
import { stateShapes } from "../../graph/network.ts";
import { recogniseWeights } from "../../store/foreign/recognised.ts";
import { readWeights } from "../../store/foreign/weights.ts";
import { modelSha256 } from "../../store/objects/models.ts";
import { FULL_WIDTH } from "../../tasks/architectures.ts";
import { TASKS, taskOf } from "../../tasks/registry.ts";
import type { Task } from "../../tasks/task.ts";
import { encodeTensors, type RawTensors, tensorValues, withValues } from "../../tensor/safetensors.ts";
import type { StateDict } from "../../tensor/state.ts";
import { assertPossible, constantChannels } from "./possible-weights.ts";

/** A network that somebody brought as a file. */
export interface OwnModel {
  /** Its path as given. */
  file: string;
  network: Network;
  /** Classification, where nothing else was asked for. */
  task: Task;
  /** The weights under our names, in the network's order. */
  state: StateDict;
  /** Of the weights as safetensors under our names: the same for every form in which a file holds them. */
  sha256: string;
  /** The file's own name of a layer of neurons. */
  layerName(layer: string): string;
  /** The file's tensors with these weights in place of its own, as safetensors under its own names and types. */
  encode(state: StateDict): Uint8Array;
  /** What must be known to read the results, a line each. */
  notes: string[];
}

/** What cannot always be told from the file. */
export interface OwnModelOptions {
  arch?: string;
  classes?: number;
  /** Which of several state dicts, by the keys that lead to it, joined by dots. */
  key?: string;
  /** Whether networks of other tasks are opened too, under the names of released checkpoints. */
  anyTask?: boolean;
}

/** Widths at which networks have all the layers that they can have. */
const WIDTHS = [8, FULL_WIDTH];

/** What to say of a file that has the names of a network of another task; null where it has not. */
function ofOtherTask(file: string, tensors: RawTensors): string | null {
  const own = taskOf({});
  for (const task of TASKS.values()) {
    if (task === own) continue;
    for (const [family, make] of task.architectures) {
      const fits = WIDTHS.some((width) => [...stateShapes(make(width, 2)).keys()].every((key) => tensors.has(key)));
      if (!fits) continue;
      return `${file}: holds a network of task ${task.name}, of the family ${family}; its architecture and outputs are fixed, and only 'inspect' opens it as a file: leave --arch and --classes out there, or judge defects of a database that 'bdefects build' makes`;
    }
  }
  return null;
}

/**
 * Opens a checkpoint of one of our architectures, whatever its names are. Nothing in it is executed.
 *
 * @throws InputError where it is no checkpoint, or of no architecture that is known
 */
export async function openOwnModel(
  file: string,
  { key, arch, classes, anyTask }: OwnModelOptions = {},
): Promise<OwnModel> {
  const weights = await readWeights(file, key);
  const found = recogniseWeights(file, weights, arch);
  if (typeof found === "string") {
    const other = anyTask && arch === undefined && classes === undefined ? releasedModel(file, weights) : null;
    if (other) return other;
    throw new InputError(ofOtherTask(file, weights.tensors) ?? found);
  }
  const { network, names: theirs } = found;
  if (classes !== undefined && classes !== network.classes) {
    throw new InputError(`--classes ${classes}: the classifier of ${file} has ${network.classes} rows`);
  }
  const { tensors } = weights;
  const state: StateDict = new Map(
    [...stateShapes(network)].map(([name, shape]) => {
      const tensor = tensors.get(theirs.get(name)!)!;
      const data = tensorValues(tensor);
      if (!data) throw new InputError(`${file}: '${theirs.get(name)}' is of ${tensor.dtype}; weights are floats`);
      return [name, { shape, data }];
    }),
  );
  const told = (name: string) => theirs.get(name)!;
  assertPossible(file, state, told);
  const notes = [...weights.notes, ...found.notes, ...constantChannels(file, state, told)];
  return { file, task: taskOf({}), network, state, notes, ...ownNames(tensors, state, told) };
}

/** What follows from the file's own names of a network's tensors. */
function ownNames(tensors: RawTensors, state: StateDict, nameOf: (key: string) => string) {
  return {
    sha256: modelSha256(state),
    layerName: (layer: string) => nameOf(`${layer}.weight`).replace(/\.weight$/, ""),
    encode(repaired: StateDict) {
      const changed: RawTensors = new Map(tensors);
      for (const [key, { data }] of repaired) {
        const name = nameOf(key);
        changed.set(name, withValues(tensors.get(name)!, data));
      }
      return encodeTensors(changed);
    },
  };
}

/** A network of another task, under the names of a released checkpoint; null where it is none. @throws InputError where one does not fit */
function releasedModel(file: string, { tensors, notes }: { tensors: RawTensors; notes: string[] }): OwnModel | null {
  const values: StateDict = new Map();
  for (const [name, tensor] of tensors) {
    const data = tensorValues(tensor);
    if (data) values.set(name, { shape: tensor.shape, data });
  }
  for (const task of TASKS.values()) {
    const found = task.released?.(values, file);
    if (!found) continue;
    const { network, state, nameOf } = found;
    assertPossible(file, state, nameOf);
    const told = [...notes, ...constantChannels(file, state, nameOf)];
    return { file, task, network, state, notes: told, ...ownNames(tensors, state, nameOf) };
  }
  return null;
}
