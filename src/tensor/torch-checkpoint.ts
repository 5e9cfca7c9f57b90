import { InputError } from "../core/errors.ts";
import { brainToNumber, halfToNumber } from "./narrow-floats.ts";
import { numpyGlobals } from "./numpy-pickle.ts";
import { type PickleGlobal, type PickleValue, type PickleWorld, readPickle, readPickleAt } from "./pickle.ts";
import { plainGlobals, runsPrograms } from "./plain-pickle.ts";
import { sizeOf } from "./state.ts";

/** A storage that a checkpoint's pickle refers to: the bytes lie in an entry of their own. */
export interface TorchStorage {
  dtype: TorchDtype;
  /** The entry `data/<key>`. */
  key: string;
  /** Elements. */
  count: number;
}

/** A view of a storage. Offsets and strides count elements. */
export class TorchTensor {
  readonly storage: TorchStorage;
  readonly offset: number;
  readonly shape: number[];
  readonly strides: number[];

  constructor(storage: TorchStorage, offset: number, shape: number[], strides: number[]) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

type Read = (view: DataView, at: number) => number;

/** Element types by the name of their storage class: bytes and how one is read. */
const DTYPES = {
  FloatStorage: { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  DoubleStorage: { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
  HalfStorage: { bytes: 2, read: (view, at) => halfToNumber(view.getUint16(at, true)) },
  BFloat16Storage: { bytes: 2, read: (view, at) => brainToNumber(view.getUint16(at, true)) },
  LongStorage: { bytes: 8, read: (view, at) => Number(view.getBigInt64(at, true)) },
  IntStorage: { bytes: 4, read: (view, at) => view.getInt32(at, true) },
  ShortStorage: { bytes: 2, read: (view, at) => view.getInt16(at, true) },
  CharStorage: { bytes: 1, read: (view, at) => view.getInt8(at) },
  ByteStorage: { bytes: 1, read: (view, at) => view.getUint8(at) },
  BoolStorage: { bytes: 1, read: (view, at) => (view.getUint8(at) === 0 ? 0 : 1) },
} satisfies Record<string, { bytes: number; read: Read }>;
export type TorchDtype = keyof typeof DTYPES;

/**
 * Reads the pickle of a PyTorch checkpoint (`data.pkl` of the zip), as data: tensors become views of storages, all else
 * plain containers, numbers and strings. Nothing is executed; anything else that a pickle can name is refused.
 *
 * @param name of the file, for messages. @throws InputError
 */
export function readTorchPickle(bytes: Uint8Array, name: string): PickleValue {
  return readPickle(bytes, torchWorld(name), name);
}

/** The first number of a checkpoint as PyTorch wrote them before 1.6, as near as a double comes. */
const LEGACY_MAGIC = Number(0x1950a86a20f9469cfc6cn);
const LEGACY_PROTOCOL = 1001;

/**
 * Reads a checkpoint as PyTorch wrote them before 1.6, and still does on request: five pickles (magic number, protocol, the
 * machine, the value, the storages' names), then every storage, after how many elements it has.
 *
 * @returns the value and the storages' bytes by name; null where the file is no such checkpoint
 * @throws InputError where it is damaged, or holds what a checkpoint need not
 */
export function readLegacyCheckpoint(
  bytes: Uint8Array,
  name: string,
): { value: PickleValue; storages: Map<string, Uint8Array> } | null {
  const storagesOf = new Map<string, TorchStorage>();
  const world = torchWorld(name, (found) => storagesOf.set(found.key, found));
  let at = 0;
  const next = () => {
    const { value, end } = readPickleAt(bytes, at, world, name);
    at = end;
    return value;
  };
  if (next() !== LEGACY_MAGIC) return null;
  const fault = (text: string) => new InputError(`${name}: ${text}`);
  if (next() !== LEGACY_PROTOCOL) throw fault("its protocol is unknown");
  const machine = next();
  if (machine instanceof Map && machine.get("little_endian") === false) {
    throw fault("was written by a big-endian machine, which is not supported");
  }
  const value = next();
  const keys = next();
  if (!Array.isArray(keys)) throw fault("lists no storages");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const storages = new Map<string, Uint8Array>();
  for (const key of keys) {
    const found = storagesOf.get(String(key));
    if (!found || storages.has(found.key)) throw fault("lists a storage that no tensor has, or one twice");
    const size = storageBytes(found);
    if (size + 8 > bytes.length - at) throw fault("is cut short");
    if (view.getBigInt64(at, true) !== BigInt(found.count)) throw fault(`storage ${found.key} has another size`);
    storages.set(found.key, new Uint8Array(bytes.subarray(at + 8, at + 8 + size)));
    at += 8 + size;
  }
  if (at !== bytes.length) throw fault("goes on after its storages");
  return { value, storages };
}

function torchWorld(name: string, onStorage: (found: TorchStorage) => void = () => undefined): PickleWorld {
  const fault = (text: string) => new InputError(`${name}: ${text}`);
  const known = new Map<string, PickleGlobal["call"]>([
    ["torch._utils._rebuild_tensor", (args) => tensor(args, fault)],
    ["torch._utils._rebuild_tensor_v2", (args) => tensor(args, fault)],
    ["torch._utils._rebuild_parameter", (args) => parameter(args, fault)],
    ["torch._utils._rebuild_parameter_with_state", (args) => parameter(args.slice(0, 3), fault)],
    ...plainGlobals(fault),
    ...numpyGlobals(fault),
  ]);
  return {
    global(module, global) {
      const full = `${module}.${global}`;
      if (known.has(full)) return { name: full, call: known.get(full) };
      if (runsPrograms(module, global)) {
        throw fault(`refused as a pickle: it names '${full.slice(0, 200)}', which runs programs; nothing was run`);
      }
      return module === "torch" && Object.hasOwn(DTYPES, global) ? { name: full } : undefined;
    },
    persistent(id) {
      const found = storage(id, fault);
      onStorage(found);
      return found;
    },
  };
}

/** Bytes of a whole storage. */
export function storageBytes({ dtype, count }: TorchStorage): number {
  return DTYPES[dtype].bytes * count;
}

/** A tensor's values in row-major order; 32-bit floats keep every bit. @param bytes the whole storage */
export function tensorFloats(tensor: TorchTensor, bytes: Uint8Array): Float32Array {
  const values = new Float32Array(sizeOf(tensor.shape));
  const { bytes: size, read } = DTYPES[tensor.storage.dtype] as { bytes: number; read: Read };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isFloat = tensor.storage.dtype === "FloatStorage";
  const bits = new Uint32Array(values.buffer);
  forEachElement(tensor, (at, i) => {
    if (isFloat) bits[i] = view.getUint32(at * size, true);
    else values[i] = read(view, at * size);
  });
  return values;
}

/** A tensor's values as numbers, 64-bit integers included as far as numbers go. */
export function tensorNumbers(tensor: TorchTensor, bytes: Uint8Array): number[] {
  const { bytes: size, read } = DTYPES[tensor.storage.dtype] as { bytes: number; read: Read };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values: number[] = [];
  forEachElement(tensor, (at) => values.push(read(view, at * size)));
  return values;
}

/** A tensor's elements in row-major order, byte by byte. @param bytes the whole storage */
export function tensorBytes(tensor: TorchTensor, bytes: Uint8Array): Uint8Array {
  const { bytes: size } = DTYPES[tensor.storage.dtype];
  const values = new Uint8Array(sizeOf(tensor.shape) * size);
  forEachElement(tensor, (at, i) => {
    for (let k = 0; k < size; k++) values[i * size + k] = bytes[at * size + k];
  });
  return values;
}

function forEachElement({ offset, shape, strides }: TorchTensor, visit: (at: number, i: number) => void): void {
  const index = shape.map(() => 0);
  const total = sizeOf(shape);
  let at = offset;
  for (let i = 0; i < total; i++) {
    visit(at, i);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis];
      if (++index[axis] < shape[axis]) break;
      at -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}

type Fault = (text: string) => InputError;

/** `('storage', torch.FloatStorage, '0', 'cpu', 128)` */
function storage(id: PickleValue, fault: Fault): TorchStorage & { isStorage: true } {
  const [tag, type, key, , count] = Array.isArray(id) ? id : [];
  const dtype = (type as { name?: unknown } | undefined)?.name;
  const name = typeof dtype === "string" ? dtype.replace(/^torch\./, "") : "";
  if (tag !== "storage" || !Object.hasOwn(DTYPES, name)) throw fault("a storage is of no known type");
  if (typeof key !== "string" || !/^\d{1,20}$/.test(key)) throw fault("a storage's name is no number");
  if (!isCount(count)) throw fault(`storage ${key} has no size`);
  return { isStorage: true, dtype: name as TorchDtype, key, count };
}

/** `_rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks, metadata=None)` */
function tensor(args: readonly PickleValue[], fault: Fault): TorchTensor {
  const [of, offset, shape, strides] = args;
  if (args.length < 4 || args.length > 7) throw fault("a tensor has another number of arguments");
  const found = of as ReturnType<typeof storage> | null;
  if (typeof of !== "object" || found?.isStorage !== true) throw fault("a tensor has no storage");
  if (!isCount(offset) || !isCounts(shape) || !isCounts(strides) || shape.length !== strides.length) {
    throw fault("a tensor has a bad shape, stride or offset");
  }
  const elements = sizeOf(shape);
  const last = shape.reduce((at, length, axis) => at + (length - 1) * strides[axis], offset);
  if (elements > found.count || (elements > 0 && last >= found.count)) throw fault("a tensor goes beyond its storage");
  return new TorchTensor(found, offset, [...shape], [...strides]);
}

/** `_rebuild_parameter(data, requires_grad, backward_hooks)` */
function parameter(args: readonly PickleValue[], fault: Fault): TorchTensor {
  if (args.length !== 3 || !(args[0] instanceof TorchTensor)) throw fault("a parameter holds no tensor");
  return args[0];
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= 64 && value.every(isCount);
}
