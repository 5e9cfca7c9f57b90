import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inflateRawSync } from "node:zlib";

/**
 * A second reading of the store's formats, from their description alone, so that the program is not its own judge: a
 * container is a 16-byte head and a payload, compressed by byte planes of 32-bit words, or behind a preface of 16-bit
 * ones; a model is safetensors; a delta is a header and rows of values as wide as the model's.
 */

export interface RawTensor {
  shape: number[];
  bytes: Buffer;
}
export type RawModel = Map<string, RawTensor>;

export function readObject(db: string, object: string): Buffer {
  const file = readFileSync(join(db, "objects", object.slice(0, 2), object));
  const payload = file.subarray(16);
  if (file[6] === 0) return payload;
  if (file[6] === 2) return joinedHalves(inflateRawSync(payload.subarray(4)), payload.readUInt32LE(0));
  const planes = inflateRawSync(payload);
  const bytes = Buffer.alloc(planes.length);
  const words = planes.length >> 2;
  for (let i = 0; i < 4 * words; i++) bytes[i] = planes[(i % 4) * words + (i >> 2)];
  planes.copy(bytes, 4 * words, 4 * words);
  return bytes;
}

function joinedHalves(planes: Buffer, from: number): Buffer {
  const bytes = Buffer.from(planes);
  const count = (planes.length - from) / 2;
  for (let i = 0; i < 2 * count; i++) bytes[from + i] = planes[from + (i % 2) * count + (i >> 1)];
  return bytes;
}

export function readModel(db: string, object: string): RawModel {
  const bytes = readObject(db, object);
  const dataStart = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, dataStart)) as Record<
    string,
    { shape: number[]; data_offsets: [number, number] }
  >;
  return new Map(
    Object.entries(header)
      .filter(([key]) => key !== "__metadata__")
      .map(
        ([
          key,
          {
            shape,
            data_offsets: [from, to],
          },
        ]) => [key, { shape, bytes: bytes.subarray(dataStart + from, dataStart + to) }],
      ),
  );
}

/** The model that a delta makes of its clean twin. */
export function readDelta(db: string, object: string, clean: RawModel): RawModel {
  const delta = readObject(db, object);
  const dataStart = 4 + delta.readUInt32LE(0);
  const { mode, rows } = JSON.parse(delta.toString("utf8", 4, dataStart)) as {
    mode: "plain" | "xor";
    rows: Record<string, number[]>;
  };
  const model: RawModel = new Map(
    [...clean].map(([key, { shape, bytes }]) => [key, { shape, bytes: Buffer.from(bytes) }]),
  );
  let at = dataStart;
  for (const [key, changed] of Object.entries(rows)) {
    const tensor = model.get(key)!;
    const size = rowBytes(tensor);
    for (const row of changed) {
      for (let i = row * size; i < (row + 1) * size; i++, at++) {
        tensor.bytes[i] = mode === "xor" ? tensor.bytes[i] ^ delta[at] : delta[at];
      }
    }
  }
  return model;
}

export function rowBytes({ shape, bytes }: RawTensor): number {
  return shape.length === 0 ? bytes.length : bytes.length / shape[0];
}

/** Tensor → rows in which two models differ by at least a bit. */
export function differingRows(a: RawModel, b: RawModel): Record<string, number[]> {
  const found: Record<string, number[]> = {};
  for (const [key, tensor] of a) {
    const size = rowBytes(tensor);
    const other = b.get(key)!.bytes;
    for (let row = 0; row * size < tensor.bytes.length; row++) {
      const [from, to] = [row * size, (row + 1) * size];
      if (!tensor.bytes.subarray(from, to).equals(other.subarray(from, to))) found[key] = [...(found[key] ?? []), row];
    }
  }
  return found;
}
