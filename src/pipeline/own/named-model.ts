import { InputError } from "../../core/errors.ts";
import { type Network, stateShapes } from "../../graph/network.ts";
import { readWeights } from "../../store/foreign/weights.ts";
import { modelSha256 } from "../../store/objects/models.ts";
import { tensorValues } from "../../tensor/safetensors.ts";
import type { StateDict } from "../../tensor/state.ts";
import { assertPossible } from "./possible-weights.ts";

/** Weights for a network that is known. */
export interface NamedModel {
  /** Its path as given. */
  file: string;
  /** In the network's order. */
  state: StateDict;
  /** Of the weights as safetensors: the same for every form in which a file holds them. */
  sha256: string;
  /** What must be known to read the results, a line each. */
  notes: string[];
}

const MOST_NAMED = 8;

/**
 * Opens a checkpoint that has the names of a given network, those of a wrapper around it included. Nothing in it is executed.
 *
 * @throws InputError where a tensor is missing, of another shape, holds no floats, or numbers that nothing can be computed with
 */
export async function openNamedModel(file: string, network: Network): Promise<NamedModel> {
  const { arch } = network;
  const shapes = stateShapes(network);
  const isOwn = (name: string) => [...shapes.keys()].some((own) => name === own || name.endsWith(`.${own}`));
  const { tensors, notes: told, split } = await readWeights(file, undefined, ([name]) => isOwn(name));
  const prefix = prefixOf([...tensors.keys()], shapes);
  const state: StateDict = new Map();
  for (const [name, shape] of shapes) {
    const tensor = tensors.get(prefix + name);
    if (!tensor) {
      const why =
        split ?? `has no tensor '${name}', so it is no ${arch}; write weights with save() of load_in_torch.py`;
      throw new InputError(`${file}: ${why}`);
    }
    if (tensor.shape.join() !== shape.join()) {
      const [found, wanted] = [tensor.shape, shape].map((sizes) => sizes.join("×"));
      throw new InputError(
        `${file}: '${name}' is ${found}; the checkout's ${arch} has ${wanted}: name weights for that network`,
      );
    }
    const data = tensorValues(tensor);
    if (!data) throw new InputError(`${file}: '${name}' is of ${tensor.dtype}; save the weights as floats`);
    state.set(name, { shape, data });
  }
  assertPossible(file, state, (name) => prefix + name);
  const left = [...tensors.keys()].filter(
    (name) => !(name.startsWith(prefix) && shapes.has(name.slice(prefix.length))),
  );
  const more = left.length > MOST_NAMED ? `, and ${left.length - MOST_NAMED} more` : "";
  const aside = `${file}: left aside, since no ${arch} has it: ${left.slice(0, MOST_NAMED).join(", ")}${more}`;
  return { file, state, sha256: modelSha256(state), notes: left.length > 0 ? [...told, aside] : told };
}

/** What stands before every name where a wrapper was saved, such as DataParallel's `module.`; of most files nothing. */
function prefixOf(names: readonly string[], shapes: ReadonlyMap<string, unknown>): string {
  const [first] = shapes.keys();
  const found = names.find((name) => name === first) ?? names.find((name) => name.endsWith(`.${first}`));
  return found?.slice(0, -first.length) ?? "";
}
