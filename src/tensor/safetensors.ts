import { InputError } from "../core/errors.ts";
import { brainToNumber, halfToNumber, numberToBrain, numberToHalf } from "./narrow-floats.ts";
import { type StateDict, sizeOf } from "./state.ts";

/**
 * The safetensors container: u64 little-endian header length, a JSON header
 * `{name: {dtype, shape, data_offsets: [begin, end]}}` padded with spaces, then raw little-endian row-major data with
 * offsets relative to the data's start.
 */
export type RawTensors = Map<string, RawTensor>;

export interface RawTensor {
  dtype: Dtype;
  shape: number[];
  /** Little-endian, row-major. */
  bytes: Uint8Array;
}

const DTYPE_BYTES = { F32: 4, F64: 8, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U8: 1, BOOL: 1 } as const;
export type Dtype = keyof typeof DTYPE_BYTES;

const LENGTH_BYTES = 8;
const ALIGNMENT = 8;
/** Far above any model's header; keeps a hostile length from being taken seriously. */
const MAX_HEADER_BYTES = 100_000_000;

/**
 * Encodes tensors in the map's order. Deterministic: the same tensors in the same order give the same bytes, so that
 * the SHA-256 of these bytes is the model's.
 */
export function encodeTensors(tensors: RawTensors): Uint8Array {
  const header: Record<string, unknown> = {};
  let offset = 0;
  for (const [name, { dtype, shape, bytes }] of tensors) {
    if (bytes.length !== sizeOf(shape) * DTYPE_BYTES[dtype])
      throw new Error(`tensor '${name}': bytes do not fit shape`);
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes.length] };
    offset += bytes.length;
  }
  const text = new TextEncoder().encode(headerText(header, tensors.keys()));
  const headerBytes = Math.ceil(text.length / ALIGNMENT) * ALIGNMENT;
  const file = new Uint8Array(LENGTH_BYTES + headerBytes + offset);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.set(text, LENGTH_BYTES);
  file.fill(0x20, LENGTH_BYTES + text.length, LENGTH_BYTES + headerBytes);
  let at = LENGTH_BYTES + headerBytes;
  for (const { bytes } of tensors.values()) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

/** `JSON.stringify` would sort names that look like integers to the front. */
function headerText(header: Record<string, unknown>, names: Iterable<string>): string {
  return `{${[...names].map((name) => `${JSON.stringify(name)}:${JSON.stringify(header[name])}`).join(",")}}`;
}

/** Encodes a state dict as F32 tensors in its order. */
export function encodeState(state: StateDict): Uint8Array {
  const tensors: RawTensors = new Map();
  for (const [name, { shape, data }] of state) tensors.set(name, { dtype: "F32", shape, bytes: floatBytes(data) });
  return encodeTensors(tensors);
}

/** Encodes a state dict as F16 tensors in its order, each value rounded: exact where it lies on the grid of half precision. */
export function encodeHalfState(state: StateDict): Uint8Array {
  const tensors: RawTensors = new Map();
  for (const [name, { shape, data }] of state) {
    tensors.set(name, withValues({ dtype: "F16", shape, bytes: new Uint8Array(0) }, data));
  }
  return encodeTensors(tensors);
}

/** Bytes of a safetensors file before its tensors' data. */
export function dataStartOf(file: Uint8Array): number {
  return LENGTH_BYTES + Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
}

/**
 * Decodes a file strictly: tensors must lie inside the data, back to back in some order without gap or overlap, and
 * hold exactly what shape and type say.
 *
 * @param name the file's name, for messages
 * @returns tensors in the order of their data; their bytes are copies.
 * @throws InputError where anything is out of place.
 */
export function decodeTensors(file: Uint8Array, name: string): RawTensors {
  const fail = (fault: string): never => {
    throw new InputError(`${name}: not a valid safetensors file: ${fault}`);
  };
  if (file.length < LENGTH_BYTES) return fail(`only ${file.length} bytes`);
  const length = new DataView(file.buffer, file.byteOffset).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES || Number(length) > file.length - LENGTH_BYTES) {
    return fail(`its header's length (${length}) goes beyond the file`);
  }
  const dataStart = LENGTH_BYTES + Number(length);
  const header = parseHeader(file.subarray(LENGTH_BYTES, dataStart), fail);
  const entries = Object.entries(header)
    .filter(([key]) => key !== "__metadata__")
    .map(([key, value]) => ({ key, ...parseEntry(key, value, fail) }))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);

  const dataBytes = file.length - dataStart;
  const tensors: RawTensors = new Map();
  let expected = 0;
  for (const { key, dtype, shape, begin, end } of entries) {
    if (end > dataBytes) return fail(`'${key}' goes beyond the file's end`);
    if (begin !== expected) return fail(`'${key}' ${begin < expected ? "overlaps another tensor" : "leaves a gap"}`);
    tensors.set(key, { dtype, shape, bytes: copyOf(file, dataStart + begin, dataStart + end) });
    expected = end;
  }
  if (expected !== dataBytes) return fail(`${dataBytes - expected} bytes belong to no tensor`);
  return tensors;
}

/**
 * Decodes a model. I64 tensors (`num_batches_tracked`) are read as numbers.
 *
 * @param floats the types that its weights may have
 * @throws InputError, also where a tensor is of another type.
 */
export function decodeState(file: Uint8Array, name: string, floats: readonly Dtype[] = ["F32"]): StateDict {
  const state: StateDict = new Map();
  for (const [key, tensor] of decodeTensors(file, name)) {
    const { dtype, shape, bytes } = tensor;
    const values = floats.includes(dtype) ? tensorValues(tensor) : dtype === "I64" ? wholeNumbersOf(bytes) : null;
    if (!values) {
      throw new InputError(`${name}: tensor '${key}' is ${dtype}; a model holds ${floats.join(", ")} or I64`);
    }
    state.set(key, { shape, data: values });
  }
  return state;
}

/** The little-endian bytes of floats, without a copy where the machine is little-endian. NaN payloads stay. */
export function floatBytes(data: Float32Array): Uint8Array {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return LITTLE_ENDIAN ? bytes : swapped(bytes);
}

/** Floats from little-endian bytes, bit for bit; copies only where alignment or byte order asks for it. */
export function floatsOf(bytes: Uint8Array): Float32Array {
  const native = LITTLE_ENDIAN ? (bytes.byteOffset % 4 === 0 ? bytes : copyOf(bytes)) : swapped(bytes);
  return new Float32Array(native.buffer, native.byteOffset, native.byteLength / 4);
}

/** A copy of its own, and so aligned: `slice` of one of Node's buffers, which files are read into, is a view. */
function copyOf(bytes: Uint8Array, from = 0, to = bytes.length): Uint8Array {
  return new Uint8Array(bytes.subarray(from, to));
}

/** How a type of floats is read and written, little-endian. */
const FLOATS: Partial<
  Record<Dtype, { get(view: DataView, at: number): number; set(view: DataView, at: number, value: number): void }>
> = {
  F64: { get: (view, at) => view.getFloat64(at, true), set: (view, at, value) => view.setFloat64(at, value, true) },
  F16: {
    get: (view, at) => halfToNumber(view.getUint16(at, true)),
    set: (view, at, value) => view.setUint16(at, numberToHalf(value), true),
  },
  BF16: {
    get: (view, at) => brainToNumber(view.getUint16(at, true)),
    set: (view, at, value) => view.setUint16(at, numberToBrain(value), true),
  },
};

/** A tensor's values as 32-bit floats; null where it holds no floats. */
export function tensorValues({ dtype, bytes }: RawTensor): Float32Array | null {
  if (dtype === "F32") return floatsOf(bytes);
  const kind = FLOATS[dtype];
  if (!kind) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = DTYPE_BYTES[dtype];
  return Float32Array.from({ length: bytes.length / size }, (_, i) => kind.get(view, i * size));
}

/** How a type of whole numbers is read, little-endian. */
const WHOLE: Partial<Record<Dtype, (view: DataView, at: number) => number>> = {
  I64: (view, at) => Number(view.getBigInt64(at, true)),
  I32: (view, at) => view.getInt32(at, true),
  I16: (view, at) => view.getInt16(at, true),
  I8: (view, at) => view.getInt8(at),
  U8: (view, at) => view.getUint8(at),
  BOOL: (view, at) => (view.getUint8(at) === 0 ? 0 : 1),
};

/** A tensor's whole numbers as floats. @throws Error where it holds others */
export function wholeValues({ dtype, bytes }: RawTensor): Float32Array {
  const read = WHOLE[dtype];
  if (!read) throw new Error(`a tensor of ${dtype} holds no whole numbers`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = DTYPE_BYTES[dtype];
  return Float32Array.from({ length: bytes.length / size }, (_, i) => read(view, i * size));
}

/** The tensor with other values in its own type, rounded to it. @throws Error where it holds no floats */
export function withValues(tensor: RawTensor, data: Float32Array): RawTensor {
  const { dtype } = tensor;
  if (dtype === "F32") return { ...tensor, bytes: floatBytes(data) };
  const kind = FLOATS[dtype];
  if (!kind) throw new Error(`a tensor of ${dtype} holds no floats`);
  const size = DTYPE_BYTES[dtype];
  const bytes = new Uint8Array(data.length * size);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < data.length; i++) kind.set(view, i * size, data[i]);
  return { ...tensor, bytes };
}

const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

function swapped(bytes: Uint8Array): Uint8Array {
  const result = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) result[i] = bytes[i ^ 3];
  return result;
}

function wholeNumbersOf(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: bytes.length / 8 }, (_, i) => Number(view.getBigInt64(8 * i, true)));
}

type Fail = (fault: string) => never;

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

function parseEntry(key: string, value: unknown, fail: Fail) {
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
  return { dtype: dtype as Dtype, shape, begin, end };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}
