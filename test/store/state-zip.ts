import type { RawTensors } from "../../src/tensor/safetensors.ts";
import { zipOf } from "../datasets/archives.ts";
import { dict, pickle, tensor, text } from "../tensor/pickle-bytes.ts";

/** A checkpoint of a state dict, or of several by name. */
export function stateZip(tensors: RawTensors | Record<string, RawTensors>): Buffer {
  const types = { F32: "FloatStorage", I64: "LongStorage" } as Record<string, string>;
  const storages: { path: string; data: Buffer }[] = [];
  const stateOf = (state: RawTensors) =>
    dict(
      ...[...state].map(([name, { shape, dtype, bytes }]): [number[], number[]] => {
        const key = String(storages.length);
        storages.push({ path: `x/data/${key}`, data: Buffer.from(bytes) });
        return [text(name), tensor(key, shape, { type: types[dtype] })];
      }),
    );
  const value =
    tensors instanceof Map
      ? stateOf(tensors)
      : dict(...Object.entries(tensors).map(([name, state]): [number[], number[]] => [text(name), stateOf(state)]));
  return zipOf([{ path: "x/data.pkl", data: Buffer.from(pickle(value)) }, ...storages]);
}
