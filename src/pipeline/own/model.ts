import { closeSync, openSync, readSync } from "node:fs";
import { InputError } from "../../core/errors.ts";
import type { Network } from "../../graph/network.ts";
import { stateShapes } from "../../graph/network.ts";
import { statesIn } from "../../store/foreign/interpret.ts";
import { type PlainTensor, readTorchFile } from "../../store/foreign/torch-file.ts";
import { plainFileBytes, readBytes, withPath } from "../../store/fs.ts";
import { modelSha256 } from "../../store/models.ts";
import {
  type Dtype,
  decodeTensors,
  encodeTensors,
  type RawTensors,
  tensorValues,
  withValues,
} from "../../tensor/safetensors.ts";
import { type StateDict, tensorOf } from "../../tensor/state.ts";
import { ourNames } from "./file-names.ts";
import { notACheckpoint, START_BYTES } from "./not-a-checkpoint.ts";
import { recognise, type Said } from "./recognise.ts";

/** A network that somebody brought as a file. */
export interface OwnModel {
  /** Its path as given. */
  file: string;
  network: Network;
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
export interface OwnModelOptions extends Said {
  /** Which of several state dicts, by the keys that lead to it, joined by dots. */
  key?: string;
}

/**
 * Opens a checkpoint of one of our architectures, whatever its names are. Nothing in it is executed.
 *
 * @throws InputError where it is no checkpoint, or of no architecture that is known
 */
export async function openOwnModel(file: string, { key, ...said }: OwnModelOptions = {}): Promise<OwnModel> {
  const { tensors, notes } = await readTensors(file, key);
  const theirs = ourNames([...tensors.keys()]);
  const found: StateDict = new Map();
  for (const [ours, name] of theirs) {
    const tensor = tensors.get(name)!;
    const data = tensorValues(tensor);
    if (data) found.set(ours, { shape: tensor.shape, data });
  }
  const network = recognise(file, found, theirs, said);
  const state: StateDict = new Map([...stateShapes(network).keys()].map((key) => [key, tensorOf(found, key)]));
  return {
    file,
    network,
    state,
    sha256: modelSha256(state),
    layerName: (layer) => theirs.get(`${layer}.weight`)!.replace(/\.weight$/, ""),
    encode: (repaired) => {
      const changed: RawTensors = new Map(tensors);
      for (const [key, { data }] of repaired) {
        const name = theirs.get(key)!;
        changed.set(name, withValues(tensors.get(name)!, data));
      }
      return encodeTensors(changed);
    },
    notes,
  };
}

/** Where a safetensors file's header begins, behind its length. */
const SAFETENSORS_BRACE = 8;
const OPEN_BRACE = 0x7b;

/** The file's tensors under its own names, and which of its state dicts they are. */
async function readTensors(file: string, key: string | undefined): Promise<{ tensors: RawTensors; notes: string[] }> {
  plainFileBytes(file);
  const start = withPath(file, () => {
    const handle = openSync(file, "r");
    try {
      const bytes = Buffer.alloc(START_BYTES);
      return bytes.subarray(0, readSync(handle, bytes, 0, START_BYTES, 0));
    } finally {
      closeSync(handle);
    }
  });
  const isTorch =
    start.toString("latin1", 0, 2) === "PK" || (start[0] === 0x80 && start[SAFETENSORS_BRACE] !== OPEN_BRACE);
  if (!isTorch) {
    const other = start[SAFETENSORS_BRACE] === OPEN_BRACE ? null : notACheckpoint(start);
    if (other !== null) throw new InputError(`${file}: ${other}`);
    if (key !== undefined)
      throw new InputError(`--key ${key}: ${file} is no PyTorch checkpoint with several state dicts`);
    return { tensors: decodeTensors(readBytes(file), file), notes: [] };
  }
  const states = statesIn(await readTorchFile(file));
  // An optimizer's or a normalisation's few tensors are no network.
  const hasFilters = ([, state]: [string, Map<string, PlainTensor>]) => [...state.values()].some(isFilter);
  const names = [...states].filter(hasFilters).map(([name]) => name);
  if (names.length === 0) throw new InputError(`${file}: holds no state dict; save model.state_dict()`);
  if (key !== undefined && !names.includes(key))
    throw new InputError(`--key ${key}: ${file} holds ${names.join(", ")}`);
  if (key === undefined && names.length > 1) {
    throw new InputError(`${file}: holds several state dicts; choose one with --key: ${names.join(", ")}`);
  }
  const taken = key ?? names[0];
  const tensors: RawTensors = new Map(
    [...states.get(taken)!].map(([name, tensor]) => [
      name,
      { dtype: SAFETENSORS_TYPE[tensor.dtype], shape: tensor.shape, bytes: tensor.elements() },
    ]),
  );
  return { tensors, notes: taken === "" ? [] : [`${file}: '${taken}' was taken`] };
}

function isFilter({ shape }: PlainTensor): boolean {
  return shape.length === 4;
}

const SAFETENSORS_TYPE: Record<PlainTensor["dtype"], Dtype> = {
  FloatStorage: "F32",
  DoubleStorage: "F64",
  HalfStorage: "F16",
  BFloat16Storage: "BF16",
  LongStorage: "I64",
  IntStorage: "I32",
  ShortStorage: "I16",
  CharStorage: "I8",
  ByteStorage: "U8",
  BoolStorage: "BOOL",
};
