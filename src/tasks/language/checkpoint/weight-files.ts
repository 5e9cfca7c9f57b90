import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../../core/errors.ts";
import { reasonOf } from "../../../files/data-file.ts";
import type { TensorPlace } from "../../../tensor/safetensors-header.ts";
import { shorten } from "./fields.ts";
import { readJsonFile } from "./json-file.ts";
import { TensorFile } from "./tensor-file.ts";

export const WHOLE = "model.safetensors";
export const INDEX = "model.safetensors.index.json";
const MOST_INDEX_BYTES = 64 << 20;
const MOST_SHARDS = 1000;
/** A file beside the index, and nothing else. */
const SHARD = /^(?!\.)[^/\\:\0]{1,200}\.safetensors$/;
const PICKLE = /\.(bin|pt|pth|ckpt)$/i;
const SAVE = "save it with model.save_pretrained(FOLDER, safe_serialization=True)";

/** A tensor and the file that it lies in. */
export interface StoredTensor {
  file: TensorFile;
  place: TensorPlace;
}

/**
 * The tensors of a folder by name: of `model.safetensors`, or of the shards that its index names. No weights are read.
 *
 * @param chosen a file of the folder to take in place of these
 * @throws InputError where there are none, or one is damaged, missing or named twice
 */
export function openWeightFiles(folder: string, chosen?: string): ReadonlyMap<string, StoredTensor> {
  if (chosen !== undefined) return tensorsOf(TensorFile.open(chosen));
  const whole = join(folder, WHOLE);
  if (existsSync(whole)) return tensorsOf(TensorFile.open(whole));
  const index = join(folder, INDEX);
  if (existsSync(index)) return tensorsOfShards(folder, index);
  throw new InputError(`${folder}: ${withoutWeights(folder)}`);
}

function tensorsOf(file: TensorFile): Map<string, StoredTensor> {
  return new Map(file.places.map((place) => [place.key, { file, place }]));
}

function tensorsOfShards(folder: string, index: string): Map<string, StoredTensor> {
  const { weight_map: map } = readJsonFile(index, MOST_INDEX_BYTES);
  if (typeof map !== "object" || map === null || Array.isArray(map)) {
    throw new InputError(
      `${index}: weight_map is ${shorten(map ?? null)}; it must say of each tensor which file has it`,
    );
  }
  const shards = new Map<string, Map<string, StoredTensor>>();
  const tensors = new Map<string, StoredTensor>();
  for (const [key, name] of Object.entries(map)) {
    if (typeof name !== "string" || !SHARD.test(name)) {
      throw new InputError(
        `${index}: '${key.slice(0, 100)}' lies in ${shorten(name)}; a shard is a .safetensors file beside the index`,
      );
    }
    let shard = shards.get(name);
    if (!shard) {
      if (shards.size === MOST_SHARDS) throw new InputError(`${index}: names more than ${MOST_SHARDS} files`);
      const path = join(folder, name);
      if (!existsSync(path)) throw new InputError(`${path}: is missing; ${INDEX} names it, so download it too`);
      shard = tensorsOf(TensorFile.open(path));
      shards.set(name, shard);
    }
    const found = shard.get(key);
    if (!found)
      throw new InputError(`${join(folder, name)}: lacks '${key.slice(0, 100)}', which ${INDEX} says it holds`);
    tensors.set(key, found);
  }
  return tensors;
}

function withoutWeights(folder: string): string {
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch (error) {
    return `cannot be read: ${reasonOf(error)}`;
  }
  const pickle = names.find((name) => PICKLE.test(name));
  if (pickle !== undefined) return `holds ${pickle}, a pickle, and no ${WHOLE}; pickles are not read: ${SAVE}`;
  const beside = names.find((name) => SHARD.test(name));
  if (beside !== undefined) return `holds ${beside} and neither ${WHOLE} nor ${INDEX}: name that file, if it is meant`;
  const other = names.find((name) => /\.(gguf|h5|msgpack|onnx)$/i.test(name));
  if (other !== undefined) return `holds ${other} and no ${WHOLE}: load the model with transformers and ${SAVE}`;
  return `has neither ${WHOLE} nor ${INDEX}: download the weights, or ${SAVE}`;
}
