import { InputError } from "../../../core/errors.ts";
import type { Network } from "../../../graph/network.ts";
import { stateShapes } from "../../../graph/network.ts";
import type { StateDict } from "../../../tensor/state.ts";
import type { ReleasedModel } from "../../task.ts";
import { ufld18 } from "./ufld18.ts";

/** What training on several processors, or a wrapper, puts before every name. */
const WRAPPERS = ["module.", "model."];
/** The branch of the released networks that only their training uses, and the counters of batches. */
const LEFT_OUT = /^aux_|(^|\.)num_batches_tracked$/;

/** Tensors that any width of the network has, whose first says which width it is. */
const [STEM, HEAD] = ["model.conv1.weight", "cls.2.weight"];

/**
 * A released checkpoint of `ufld18` at the base width that its stem has.
 *
 * @returns null where stem or head are missing
 * @throws InputError as `fromReleased`
 */
export function readReleased(tensors: StateDict, file: string): ReleasedModel | null {
  const prefix = wrapperOf([...tensors.keys()]);
  const stem = tensors.get(prefix + STEM);
  if (stem?.shape.length !== 4 || !tensors.has(prefix + HEAD)) return null;
  const network = ufld18(stem.shape[0]);
  return { network, state: fromReleased(tensors, network, file), nameOf: (key) => prefix + key };
}

/**
 * The state of a released checkpoint under the network's own names: wrappers' prefixes are taken off, and the auxiliary branch is dropped.
 *
 * @param name of the file, for messages
 * @throws InputError where a tensor is missing, has another shape, or is none of the network's
 */
export function fromReleased(tensors: StateDict, network: Network, name: string): StateDict {
  const shapes = stateShapes(network);
  const prefix = wrapperOf([...tensors.keys()]);
  const found = new Map([...tensors].map(([key, tensor]) => [key.slice(prefix.length), tensor]));
  const further = [...found.keys()].find((key) => !shapes.has(key) && !LEFT_OUT.test(key));
  if (further !== undefined) throw new InputError(`${name}: '${prefix}${further}' is no tensor of ${network.arch}`);
  return new Map(
    [...shapes].map(([key, shape]) => {
      const tensor = found.get(key);
      if (!tensor) throw new InputError(`${name}: lacks '${prefix}${key}' of ${network.arch}`);
      if (tensor.shape.join() !== shape.join()) {
        const shown = `[${tensor.shape.join(", ")}], not [${shape.join(", ")}]`;
        throw new InputError(`${name}: '${prefix}${key}' is ${shown} of ${network.arch}`);
      }
      return [key, tensor];
    }),
  );
}

/** All wrappers' prefixes that every name has. The trunk's own names begin with `model.`, the head's do not. */
function wrapperOf(keys: readonly string[]): string {
  let prefix = "";
  for (let found = true; found && keys.length > 0; ) {
    const next = WRAPPERS.find((wrapper) => keys.every((key) => key.startsWith(prefix + wrapper)));
    found = next !== undefined;
    prefix += next ?? "";
  }
  return prefix;
}
