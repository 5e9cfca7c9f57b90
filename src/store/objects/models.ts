import { InputError } from "../../core/errors.ts";
import type { ObjectRef } from "../../records/object-ref.ts";
import {
  applyDelta,
  type DeltaMode,
  type DeltaOptions,
  deltaBase,
  deltaDataStart,
  encodeDelta,
} from "../../tensor/delta.ts";
import { firstOffGrid } from "../../tensor/half-grid.ts";
import { dataStartOf, decodeState, encodeHalfState, encodeState } from "../../tensor/safetensors.ts";
import type { StateDict } from "../../tensor/state.ts";
import { encodeContainer, type Purpose } from "./container.ts";
import { type ObjectStore, sha256Of } from "./objects.ts";

/** The identity of a model: the SHA-256 of its bytes as safetensors of 32-bit floats, however it is stored. */
export function modelSha256(state: StateDict): string {
  return sha256Of(encodeState(state));
}

/** Stores a whole model, as safetensors of 32-bit floats. */
export function putModel(objects: ObjectStore, state: StateDict, purpose: Purpose = "data"): Promise<ObjectRef> {
  return objects.put(encodeState(state), purpose);
}

/**
 * Stores a whole model whose weights lie on the grid of half precision, as safetensors of 16-bit floats.
 * @throws Error where one does not
 */
export async function putHalfModel(objects: ObjectStore, state: StateDict): Promise<ObjectRef> {
  const off = firstOffGrid(state, "half");
  if (off) throw new Error(`'${off.key}' holds ${off.value}, which is off the grid of half precision`);
  const bytes = encodeHalfState(state);
  return objects.put(bytes, "data", modelSha256(state), dataStartOf(bytes));
}

/** @throws InputError where the object is missing, damaged or another model than its reference states. */
export async function readModel(objects: ObjectStore, ref: ObjectRef): Promise<StateDict> {
  const path = objects.path(ref.object);
  const { bytes } = await objects.open(ref.object);
  const isWritten = sha256Of(bytes) === ref.decoded_sha256;
  const state = isWritten ? decodeState(bytes, path) : decodeState(bytes, path, ["F16", "F32"]);
  if (!isWritten && modelSha256(state) !== ref.decoded_sha256) {
    throw new InputError(`${path}: decodes to other bytes than its record states`);
  }
  return state;
}

/** A model that a delta may be against, and its SHA-256 as verified when it was read. */
export interface DeltaBase {
  state: StateDict;
  sha256: string;
}

/**
 * Stores a model as its difference from `base`, in the mode that compresses better, and proves before it is kept
 * that the delta rebuilds every bit.
 */
export async function putDelta(
  objects: ObjectStore,
  base: StateDict,
  state: StateDict,
  options: DeltaOptions = {},
): Promise<ObjectRef> {
  const baseSha256 = modelSha256(base);
  const whole = modelSha256(state);
  const modes: DeltaMode[] = ["plain", "xor"];
  const deltas = modes.map((mode) => encodeDelta(base, baseSha256, state, mode, options));
  const halvesFrom = (delta: Uint8Array) => (options.grid ? deltaDataStart(delta, "delta") : undefined);
  const sizes = await Promise.all(
    deltas.map(async (delta) => (await encodeContainer(delta, "delta", halvesFrom(delta))).length),
  );
  const delta = deltas[sizes[1] < sizes[0] ? 1 : 0];
  if (modelSha256(applyDelta(base, baseSha256, delta, "delta")) !== whole) throw new Error("delta does not rebuild");
  return objects.put(delta, "delta", whole, halvesFrom(delta));
}

/** Rebuilds a model from its base and delta, verified by the hash of the whole model. */
export async function readDelta(objects: ObjectStore, base: DeltaBase, ref: ObjectRef): Promise<StateDict> {
  const path = objects.path(ref.object);
  const bytes = await openDelta(objects, ref);
  const state = applyDelta(base.state, base.sha256, bytes, path);
  if (modelSha256(state) !== ref.decoded_sha256) {
    throw new InputError(`${path}: rebuilds another model than its record states`);
  }
  return state;
}

/** SHA-256 of the model that a stored delta is against. */
export async function readDeltaBase(objects: ObjectStore, ref: ObjectRef): Promise<string> {
  return deltaBase(await openDelta(objects, ref), objects.path(ref.object));
}

/** A delta's bytes, verified by the hash of what is stored. @throws InputError where the object is missing, damaged or none */
export async function openDelta(objects: ObjectStore, ref: ObjectRef): Promise<Uint8Array> {
  const { purpose, bytes } = await objects.open(ref.object);
  if (purpose !== "delta") throw new InputError(`${objects.path(ref.object)}: is no delta`);
  return bytes;
}
