import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { decodeState } from "../../tensor/safetensors.ts";
import type { StateDict } from "../../tensor/state.ts";
import { ANSWER_FOLDER } from "./folder.ts";

/** Where a repaired model is expected, below the suspect's folder. */
export const WEIGHTS = `${ANSWER_FOLDER}/model.safetensors`;

/** The header, and tensors that were stored as 64-bit numbers. */
const SLACK = { bytes: 4e6, factor: 2 };
const FLOAT_BYTES = 4;
/** PyTorch's counters of training: no part of inference, written or left out as people like. */
const COUNTER = /(^|\.)num_batches_tracked$/;

/**
 * Reads the weights that a plug-in wrote: the tensors of the suspect, each of its shape, all finite.
 *
 * @param suspect the weights that were to be repaired
 * @throws Error that names the first fault
 */
export function readWeights(dir: string, suspect: StateDict): StateDict {
  const path = join(dir, WEIGHTS);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isFile()) throw new Error(`it wrote no ${WEIGHTS}`);
  const floats = [...suspect.values()].reduce((sum, { data }) => sum + data.length, 0);
  const most = SLACK.factor * FLOAT_BYTES * floats + SLACK.bytes;
  if (stat.size > most) throw new Error(`${WEIGHTS} has ${stat.size} bytes; ${most} at most`);
  const found = decoded(path);
  const unknown = [...found.keys()].find((name) => !suspect.has(name) && !COUNTER.test(name));
  if (unknown !== undefined) throw new Error(`${WEIGHTS}: the network has no tensor '${unknown}'`);
  // In the suspect's order, so that the same weights are the same bytes.
  return new Map(
    [...suspect].map(([name, tensor]) => [name, COUNTER.test(name) ? tensor : fitting(found, name, tensor.shape)]),
  );
}

/** A fault of the program's making costs its own cell, and is none of the user's input. */
function decoded(path: string): StateDict {
  try {
    return decodeState(readFileSync(path), WEIGHTS);
  } catch (error) {
    throw new Error((error as Error).message, { cause: error });
  }
}

function fitting(found: StateDict, name: string, shape: readonly number[]) {
  const tensor = found.get(name);
  if (!tensor) throw new Error(`${WEIGHTS}: tensor '${name}' is missing`);
  if (tensor.shape.join() !== shape.join()) {
    throw new Error(`${WEIGHTS}: tensor '${name}' has shape [${tensor.shape}], not [${shape}]`);
  }
  if (!tensor.data.every(Number.isFinite))
    throw new Error(`${WEIGHTS}: tensor '${name}' holds numbers that are not finite`);
  return tensor;
}
