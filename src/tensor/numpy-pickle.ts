import type { InputError } from "../core/errors.ts";
import { Opaque } from "./opaque.ts";
import type { PickleGlobal } from "./pickle.ts";
import { sizeOf } from "./state.ts";

/** NumPy's arrays, scalars and types as pickles hold them (`ndarray.__reduce__`), read as data. */

type Fault = (text: string) => InputError;

/** Element types that are read, by kind and size: bytes of one, and how a little-endian one is read. */
const ELEMENTS: Record<string, { bytes: number; read(view: DataView, at: number): number }> = {
  f4: { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  f8: { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
  i1: { bytes: 1, read: (view, at) => view.getInt8(at) },
  i2: { bytes: 2, read: (view, at) => view.getInt16(at, true) },
  i4: { bytes: 4, read: (view, at) => view.getInt32(at, true) },
  i8: { bytes: 8, read: (view, at) => Number(view.getBigInt64(at, true)) },
  u1: { bytes: 1, read: (view, at) => view.getUint8(at) },
  u2: { bytes: 2, read: (view, at) => view.getUint16(at, true) },
  u4: { bytes: 4, read: (view, at) => view.getUint32(at, true) },
  u8: { bytes: 8, read: (view, at) => Number(view.getBigUint64(at, true)) },
  b1: { bytes: 1, read: (view, at) => (view.getUint8(at) === 0 ? 0 : 1) },
};

/** `numpy.dtype`: `f4`, `i8`, …; other types (texts, objects, records) are kept by their code and not read. */
export class NumpyType {
  readonly code: string;
  private order = "<";

  constructor(code: string) {
    this.code = code;
  }

  /** `(version, byte order, …)` */
  buildFrom(attributes: unknown): number {
    if (Array.isArray(attributes) && typeof attributes[1] === "string") this.order = attributes[1];
    return 0;
  }

  /** null: the elements are none that are read, or of the other byte order. */
  get element(): (typeof ELEMENTS)[string] | null {
    if (!Object.hasOwn(ELEMENTS, this.code)) return null;
    const element = ELEMENTS[this.code];
    return this.order === ">" && element.bytes > 1 ? null : element;
  }
}

/** An array; empty until its attributes came. */
export class NumpyArray {
  shape: number[] = [0];
  type: NumpyType | null = null;
  isFortran = false;
  /** The elements' bytes, or for arrays of objects the objects. */
  data: Uint8Array | unknown[] = [];
  private readonly fault: Fault;

  constructor(fault: Fault) {
    this.fault = fault;
  }

  /** `(version, shape, dtype, whether in Fortran's order, data)` */
  buildFrom(attributes: unknown): number {
    const [, shape, type, isFortran, stored] = Array.isArray(attributes) ? attributes : [];
    // Python 2 has one type for texts and bytes: bytes that happen to be UTF-8 were read as a text.
    const data = typeof stored === "string" ? new TextEncoder().encode(stored) : stored;
    const isShape = Array.isArray(shape) && shape.length <= 32 && shape.every((n) => Number.isSafeInteger(n) && n >= 0);
    if (!isShape || !(type instanceof NumpyType) || !(data instanceof Uint8Array || Array.isArray(data))) {
      throw this.fault("a NumPy array is not made as NumPy makes them");
    }
    const { element } = type;
    if (element && data.length !== sizeOf(shape) * (Array.isArray(data) ? 1 : element.bytes)) {
      throw this.fault("a NumPy array has another size than its shape");
    }
    Object.assign(this, { shape, type, isFortran: isFortran === true, data });
    return data === stored ? 0 : data.length;
  }

  /** Row-major bytes of an array of unsigned bytes, copied only where its order asks for it; null for other types. */
  bytes(): Uint8Array | null {
    if (this.type?.code !== "u1" || !(this.data instanceof Uint8Array)) return null;
    return this.isFortran && this.shape.length > 1 ? rowMajor(this.data, this.shape) : this.data;
  }

  /** Row-major; null where the elements are no numbers. */
  numbers(): number[] | null {
    const element = this.type?.element;
    if (!element || !(this.data instanceof Uint8Array)) return null;
    const { data, shape } = this;
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const stored = Array.from({ length: sizeOf(shape) }, (_, i) => element.read(view, i * element.bytes));
    return this.isFortran ? rowMajor(stored, shape) : stored;
  }
}

/** From Fortran's order, in which the first axis runs fastest. */
function rowMajor<T extends number[] | Uint8Array>(values: T, shape: readonly number[]): T {
  const strides = shape.map((_, axis) => sizeOf(shape.slice(0, axis)));
  const index = shape.map(() => 0);
  let at = 0;
  return values.map(() => {
    const value = values[at];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis];
      if (++index[axis] < shape[axis]) break;
      at -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
    return value;
  }) as T;
}

/** What a pickle of NumPy's may call, by name; NumPy 2 has moved its modules. */
export function numpyGlobals(fault: Fault): [name: string, call: NonNullable<PickleGlobal["call"]>][] {
  const moved = (name: string) => [`numpy.core.${name}`, `numpy._core.${name}`];
  return [
    ["numpy.dtype", ([code]) => (typeof code === "string" ? new NumpyType(code) : new Opaque("numpy.dtype"))],
    ...moved("multiarray._reconstruct").map(
      (name) => [name, () => new NumpyArray(fault)] as [string, NonNullable<PickleGlobal["call"]>],
    ),
    ...moved("multiarray.scalar").map(
      (name) =>
        [name, ([type, bytes]) => scalar(type, bytes) ?? new Opaque(name)] as [
          string,
          NonNullable<PickleGlobal["call"]>,
        ],
    ),
    // Protocol 5 of Python 3.8 and later.
    ...moved("numeric._frombuffer").map(
      (name) => [name, (args) => fromBuffer(args, fault)] as [string, NonNullable<PickleGlobal["call"]>],
    ),
    ["_codecs.encode", ([text, encoding]) => encoded(text, encoding, fault)],
  ];
}

/** `(bytes, dtype, shape, 'C' or 'F')` */
function fromBuffer([data, type, shape, order]: readonly unknown[], fault: Fault): NumpyArray {
  const array = new NumpyArray(fault);
  if (typeof data === "string") throw fault("a NumPy array is not made as NumPy makes them");
  array.buildFrom([1, shape, type, order === "F", data]);
  return array;
}

function scalar(type: unknown, bytes: unknown): number | null {
  const element = type instanceof NumpyType ? type.element : null;
  if (!element || !(bytes instanceof Uint8Array) || bytes.length !== element.bytes) return null;
  return element.read(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0);
}

/** Bytes as protocol 2 writes those of Python 3: a text of the characters 0 to 255. */
function encoded(text: unknown, encoding: unknown, fault: Fault): Uint8Array {
  if (typeof text !== "string" || !["latin1", "latin-1"].includes(String(encoding)))
    throw fault("bytes in no known form");
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255) throw fault("bytes in no known form");
    bytes[i] = code;
  }
  return bytes;
}
