import { InputError } from "../core/errors.ts";
import { sizeOf } from "./state.ts";

/** NumPy's `.npy` container: magic, version, header length, a Python dict as text padded to 64 bytes, raw data. */

const MAGIC = [0x93, ...new TextEncoder().encode("NUMPY")];
const ALIGNMENT = 64;
/** Far above what a plain array needs. */
const MOST_HEADER_BYTES = 65_536;

/** A decoded array, row-major: bytes as they are, any other number as a double. */
export interface NpyArray {
  /** NumPy's own name of the type, such as `|u1` or `<f4`. */
  descr: string;
  shape: number[];
  values: Uint8Array | Float64Array;
}

/** Encodes bytes, or 64-bit whole numbers (PyTorch's type of labels), in C order under a shape. @throws Error where the shape does not fit. */
export function encodeNpy(data: Uint8Array | BigInt64Array, shape: readonly number[]): Uint8Array {
  if (sizeOf(shape) !== data.length) throw new Error(`${data.length} values do not fit the shape ${shape.join("×")}`);
  const sides = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const descr = data instanceof Uint8Array ? "|u1" : "<i8";
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${sides}), }`;
  const start = MAGIC.length + 4;
  // The header ends in a newline.
  const length = Math.ceil((start + text.length + 1) / ALIGNMENT) * ALIGNMENT - start;
  const file = new Uint8Array(start + length + data.byteLength);
  file.set([...MAGIC, 1, 0]);
  const view = new DataView(file.buffer);
  view.setUint16(MAGIC.length + 2, length, true);
  file.set(new TextEncoder().encode(`${text.padEnd(length - 1)}\n`), start);
  if (data instanceof Uint8Array) file.set(data, start + length);
  else for (let i = 0; i < data.length; i++) view.setBigInt64(start + length + 8 * i, data[i], true);
  return file;
}

type Reader = (view: DataView, at: number, little: boolean) => number;

const READERS: Record<string, Reader> = {
  i1: (view, at) => view.getInt8(at),
  u2: (view, at, little) => view.getUint16(at, little),
  i2: (view, at, little) => view.getInt16(at, little),
  u4: (view, at, little) => view.getUint32(at, little),
  i4: (view, at, little) => view.getInt32(at, little),
  u8: (view, at, little) => Number(view.getBigUint64(at, little)),
  i8: (view, at, little) => Number(view.getBigInt64(at, little)),
  f4: (view, at, little) => view.getFloat32(at, little),
  f8: (view, at, little) => view.getFloat64(at, little),
};

/** What an array of Python objects holds as a pickle; null where the file is none, or an array of numbers. */
export function npyPickle(file: Uint8Array): Uint8Array | null {
  const header = headerOf(file);
  return typeof header !== "string" && /'descr'\s*:\s*'\|O'/.test(header.text) ? file.subarray(header.end) : null;
}

/** The header and where it ends; or why there is none. */
function headerOf(file: Uint8Array): { text: string; end: number } | string {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < MAGIC.length + 6 || MAGIC.some((byte, i) => file[i] !== byte)) return "it does not begin like one";
  const major = file[MAGIC.length];
  if (major < 1 || major > 3) return `its version is ${major}`;
  const wide = major > 1;
  const length = wide ? view.getUint32(MAGIC.length + 2, true) : view.getUint16(MAGIC.length + 2, true);
  const start = MAGIC.length + (wide ? 6 : 4);
  if (length > MOST_HEADER_BYTES || start + length > file.length) return "its header goes beyond the file";
  return { text: new TextDecoder("latin1").decode(file.subarray(start, start + length)), end: start + length };
}

/**
 * Decodes an array of whole numbers, or of floats of 32 or 64 bits.
 *
 * @param name the file's name, for messages
 * @returns bytes are a view of the file
 * @throws InputError where the file is damaged or holds anything else: Python objects are never read
 */
export function decodeNpy(file: Uint8Array, name: string): NpyArray {
  const fail = (fault: string): never => {
    throw new InputError(`${name}: not a .npy file that can be read: ${fault}`);
  };
  const found = headerOf(file);
  if (typeof found === "string") return fail(found);
  const { text: header, end } = found;
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1];
  const sides = /'shape'\s*:\s*\(([\d,\s]*)\)/.exec(header)?.[1];
  if (sides === undefined || order === undefined) return fail("its header is not understood");
  const type = /^([<>|=]?)([uif]\d)$/.exec(descr ?? "");
  if (!type || (type[2] !== "u1" && !Object.hasOwn(READERS, type[2]))) {
    return fail(`it holds ${descr ?? "records"}; save whole numbers or floats of 32 or 64 bits`);
  }
  const shape = sides
    .split(",")
    .map((side) => side.trim())
    .filter((side) => side !== "")
    .map(Number);
  if (order === "True" && shape.length > 1) return fail("it is in Fortran's order; save numpy.ascontiguousarray(…)");
  const each = Number(type[2].slice(1));
  // A plain view, also where the file is one of Node's own kind.
  const data = new Uint8Array(file.buffer, file.byteOffset + end, file.length - end);
  if (sizeOf(shape) * each !== data.length) {
    return fail(`its ${data.length} bytes of data do not fill the shape (${shape.join(", ")}) of ${descr}`);
  }
  if (type[2] === "u1") return { descr: descr!, shape, values: data };
  const read = READERS[type[2]];
  const little = type[1] !== ">";
  const from = file.byteOffset + end;
  const bytes = new DataView(file.buffer, from, data.length);
  return {
    descr: descr!,
    shape,
    values: Float64Array.from({ length: sizeOf(shape) }, (_, i) => read(bytes, each * i, little)),
  };
}
