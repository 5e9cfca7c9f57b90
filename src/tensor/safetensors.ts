import { InputError } from "../core/errors.ts";
import { brainsInto, brainToNumber, halfToNumber, halvesInto, numberToBrain, numberToHalf } from "./narrow-floats.ts";
import { DTYPE_BYTES, type Dtype, type Fail, headerLength, LENGTH_BYTES, tensorPlaces } from "./safetensors-header.ts";
import { type StateDict, sizeOf } from "./state.ts";

export type { Dtype } from "./safetensors-header.ts";

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

const ALIGNMENT = 8;
const METADATA = "__metadata__";

/**
 * Encodes tensors in the map's order. Deterministic: the same tensors in the same order give the same bytes, so that
 * the SHA-256 of these bytes is the model's.
 *
 * @param metadata of the file, where readers want some
 */
export function encodeTensors(tensors: RawTensors, metadata?: Record<string, string>): Uint8Array {
  const header: Record<string, unknown> = metadata ? { [METADATA]: metadata } : {};
  let offset = 0;
  for (const [name, { dtype, shape, bytes }] of tensors) {
    if (bytes.length !== sizeOf(shape) * DTYPE_BYTES[dtype])
      throw new Error(`tensor '${name}': bytes do not fit shape`);
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes.length] };
    offset += bytes.length;
  }
  const text = new TextEncoder().encode(headerText(header, [...(metadata ? [METADATA] : []), ...tensors.keys()]));
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

/** Encodes a state dict as F32 tensors in its order. @param metadata of the file */
export function encodeState(state: StateDict, metadata?: Record<string, string>): Uint8Array {
  const tensors: RawTensors = new Map();
  for (const [name, { shape, data }] of state) tensors.set(name, { dtype: "F32", shape, bytes: floatBytes(data) });
  return encodeTensors(tensors, metadata);
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
  const fail: Fail = (fault) => {
    throw new InputError(`${name}: not a valid safetensors file: ${fault}`);
  };
  const dataStart = LENGTH_BYTES + headerLength(file, file.length, fail);
  const places = tensorPlaces(file.subarray(LENGTH_BYTES, dataStart), file.length - dataStart, fail);
  return new Map(
    places.map(({ key, dtype, shape, begin, end }) => [
      key,
      { dtype, shape, bytes: copyOf(file, dataStart + begin, dataStart + end) },
    ]),
  );
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
  if (dtype === "F16") {
    const values = new Float32Array(bytes.length / 2);
    halvesInto(wordsOf(bytes), values);
    return values;
  }
  const kind = FLOATS[dtype];
  if (!kind) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = DTYPE_BYTES[dtype];
  return Float32Array.from({ length: bytes.length / size }, (_, i) => kind.get(view, i * size));
}

/**
 * Writes the floats that bytes are into an array, without another one between: for tensors that are read in parts.
 *
 * @param bytes little-endian, of `out.length` values
 * @returns whether the type is one of floats
 */
export function decodeFloats(dtype: Dtype, bytes: Uint8Array, out: Float32Array): boolean {
  if (dtype === "F32") out.set(floatsOf(bytes));
  else if (dtype === "BF16") brainsInto(wordsOf(bytes), out);
  else if (dtype === "F16") halvesInto(wordsOf(bytes), out);
  else {
    const values = tensorValues({ dtype, shape: [out.length], bytes });
    if (!values) return false;
    out.set(values);
  }
  return true;
}

/** Little-endian numbers of 16 bits. */
function wordsOf(bytes: Uint8Array): Uint16Array {
  if (LITTLE_ENDIAN) {
    const aligned = bytes.byteOffset % 2 === 0 ? bytes : copyOf(bytes);
    return new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Uint16Array.from({ length: bytes.length / 2 }, (_, i) => view.getUint16(2 * i, true));
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
