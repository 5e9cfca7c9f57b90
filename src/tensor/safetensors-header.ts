import { sizeOf } from "./state.ts";

/** Bytes of a value of each type. */
export const DTYPE_BYTES = { F32: 4, F64: 8, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U8: 1, BOOL: 1 } as const;
export type Dtype = keyof typeof DTYPE_BYTES;

/** A safetensors file begins with its header's length. */
export const LENGTH_BYTES = 8;

/** Far above any model's header; keeps a hostile length from being taken seriously. */
const MAX_HEADER_BYTES = 100_000_000;

/** Where a tensor lies: bytes behind the header. */
export interface TensorPlace {
  key: string;
  dtype: Dtype;
  shape: number[];
  begin: number;
  end: number;
}

/** Says what is wrong with the file. */
export type Fail = (fault: string) => never;

/** The length of a file's header. @param start its first bytes, {@link LENGTH_BYTES} at least if it has so many @param bytes all that it has */
export function headerLength(start: Uint8Array, bytes: number, fail: Fail, most = MAX_HEADER_BYTES): number {
  if (start.length < LENGTH_BYTES) return fail(`only ${start.length} bytes`);
  const length = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true);
  if (length > most || Number(length) > bytes - LENGTH_BYTES) {
    return fail(`its header's length (${length}) goes beyond the file`);
  }
  return Number(length);
}

/**
 * Reads a header strictly: tensors must lie inside the data, back to back in some order without gap or overlap, and hold exactly what
 * shape and type say.
 *
 * @param dataBytes how many follow the header
 * @returns the places in the order of the data
 */
export function tensorPlaces(header: Uint8Array, dataBytes: number, fail: Fail): TensorPlace[] {
  const places = Object.entries(parseHeader(header, fail))
    .filter(([key]) => key !== "__metadata__")
    .map(([key, value]) => parseEntry(key, value, fail))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  let expected = 0;
  for (const { key, begin, end } of places) {
    if (end > dataBytes) return fail(`'${key}' goes beyond the file's end`);
    if (begin !== expected) return fail(`'${key}' ${begin < expected ? "overlaps another tensor" : "leaves a gap"}`);
    expected = end;
  }
  if (expected !== dataBytes) return fail(`${dataBytes - expected} bytes belong to no tensor`);
  return places;
}

function parseHeader(bytes: Uint8Array, fail: Fail): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return fail("its header is not JSON");
  }
  if (!isObject(header)) return fail("its header is not an object");
  return header;
}

function parseEntry(key: string, value: unknown, fail: Fail): TensorPlace {
  if (!isObject(value)) return fail(`'${key}' is not described by an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !Object.hasOwn(DTYPE_BYTES, dtype)) {
    return fail(`'${key}' has type ${JSON.stringify(dtype)}; read are ${Object.keys(DTYPE_BYTES).join(", ")}`);
  }
  if (!isCounts(shape)) return fail(`'${key}' has a bad shape`);
  if (!isCounts(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) return fail(`'${key}' has bad offsets`);
  const [begin, end] = offsets;
  if (sizeOf(shape) * DTYPE_BYTES[dtype as Dtype] !== end - begin) {
    return fail(`'${key}' holds ${end - begin} bytes, which do not fit its shape and type`);
  }
  return { key, dtype: dtype as Dtype, shape, begin, end };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}
