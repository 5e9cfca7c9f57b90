import { InputError } from "../core/errors.ts";
import { dataGlobals } from "./data-pickle.ts";
import { brainToNumber, halfToNumber } from "./narrow-floats.ts";
import { NumpyArray } from "./numpy-pickle.ts";
import { Opaque } from "./opaque.ts";
import { type PickleValue, type PickleWorld, readPickle, readPickleAt } from "./pickle.ts";
import { sizeOf } from "./state.ts";

/** A storage that a checkpoint's pickle refers to: the bytes lie in an entry of their own. */
export interface TorchStorage {
  dtype: TorchDtype;
  /** The entry `data/<key>`. */
  key: string;
  /** Elements. */
  count: number;
  /** The elements, where they lie in the pickle itself. */
  inline?: Uint8Array;
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

/** Bytes of an element of types whose tensors stand aside (quantized, complex, 8-bit floats); old files hold theirs too. */
const OTHER_DTYPES: Record<string, number> = {
  QInt8Storage: 1,
  QUInt8Storage: 1,
  QInt32Storage: 4,
  ComplexFloatStorage: 8,
  ComplexDoubleStorage: 16,
  Float8_e4m3fnStorage: 1,
  Float8_e5m2Storage: 1,
};

/** A storage of one of those types, or of one that nobody knows. */
class OtherStorage extends Opaque {
  readonly key: string;
  /** null: unknown. */
  readonly bytes: number | null;

  constructor(name: string, key: string, bytes: number | null) {
    super(name);
    this.key = key;
    this.bytes = bytes;
  }
}

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
  return readLegacy(bytes, name, true);
}

function readLegacy(bytes: Uint8Array, name: string, mayNest: boolean) {
  const storagesOf = new Map<string, TorchStorage | OtherStorage>();
  const world = torchWorld(name, (found) => storagesOf.set(found.key, found), mayNest);
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
    const isOther = found instanceof OtherStorage;
    const size = isOther ? found.bytes : storageBytes(found);
    if (size === null) throw fault("holds a storage of a type of unknown size");
    if (size + 8 > bytes.length - at) throw fault("is cut short");
    if (!isOther && view.getBigInt64(at, true) !== BigInt(found.count))
      throw fault(`storage ${found.key} has another size`);
    storages.set(found.key, new Uint8Array(bytes.subarray(at + 8, at + 8 + size)));
    at += 8 + size;
  }
  if (at !== bytes.length) throw fault("goes on after its storages");
  return { value, storages };
}

/** @param mayNest whether storages may be whole checkpoints within, as `pickle.dump` of a tensor writes them */
function torchWorld(
  name: string,
  onStorage: (found: TorchStorage | OtherStorage) => void = () => undefined,
  mayNest = true,
): PickleWorld {
  const fault = (text: string) => new InputError(`${name}: ${text}`);
  const nested = new Map<unknown, unknown>();
  const fromBytes = (bytes: unknown) => {
    if (!nested.has(bytes)) nested.set(bytes, mayNest ? nestedStorage(bytes, name) : new Opaque("a storage"));
    return nested.get(bytes);
  };
  const global = dataGlobals(name, [
    ["torch._utils._rebuild_tensor", (args) => tensor(args, fault)],
    ["torch._utils._rebuild_tensor_v2", (args) => tensor(args, fault)],
    ["torch._utils._rebuild_parameter", (args) => parameter(args, fault)],
    ["torch._utils._rebuild_parameter_with_state", (args) => parameter(args.slice(0, 3), fault)],
    // Of a device that only NumPy's arrays come from.
    ["torch._utils._rebuild_device_tensor_from_numpy", ([array]) => array],
    // A tensor of a class of somebody's own: function, class, arguments, attributes.
    ["torch._tensor._rebuild_from_type_v2", ([make, , args]) => fromType(make, args)],
    ["torch.storage._load_from_bytes", ([bytes]) => fromBytes(bytes)],
  ]);
  return {
    global,
    persistent(id) {
      const found = storage(id, fault);
      if (found instanceof OtherStorage || !(found instanceof Opaque)) onStorage(found);
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

/** How an `Opaque` is called that stands for a tensor of a type that is not read. */
export const OTHER_TENSOR = "a tensor of ";
/** Elements of a view that repeats some: no filter of any architecture has more. */
const MOST_REPEATED = 1 << 24;

function kindOf(storage: string): string {
  return /Complex/.test(storage) ? `complex numbers (${storage})` : storage;
}

/**
 * `('storage', torch.FloatStorage, '0', 'cpu', 128)`; before 1.6 also `('module', class, file, source)`, which stands for the
 * class of a network that was pickled whole.
 */
function storage(id: PickleValue, fault: Fault): (TorchStorage & { isStorage: true }) | Opaque {
  const parts = typeof id === "string" ? partsOfText(id) : id;
  const [tag, type, key, , count] = Array.isArray(parts) ? parts : [];
  if (tag === "module" && type instanceof Opaque) return type;
  if (tag !== "storage" || !(type instanceof Opaque)) throw fault("a storage is of no known type");
  const dtype = type.name.replace(/^torch\./, "");
  if (typeof key !== "string" || !/^\d{1,20}$/.test(key)) throw fault("a storage's name is no number");
  if (!isCount(count)) throw fault(`storage ${key} has no size`);
  if (Object.hasOwn(DTYPES, dtype)) return { isStorage: true, dtype: dtype as TorchDtype, key, count };
  const bytes = Object.hasOwn(OTHER_DTYPES, dtype) ? OTHER_DTYPES[dtype] * count : null;
  return new OtherStorage(type.name, key, bytes);
}

/** Protocol 0 has the same as text, with `<class 'torch.FloatStorage'>`; PyTorch itself cannot read that. */
function partsOfText(text: string): unknown[] {
  const found = /^\('storage', <class '(torch\.\w{1,100})'>, '(\d{1,20})', '[\w:]{1,100}', (\d{1,16})(, None)?\)$/.exec(
    text,
  );
  return found ? ["storage", new Opaque(found[1]), found[2], null, Number(found[3])] : [];
}

/** What `pickle.dump` writes for a storage: a checkpoint before 1.6 that holds it alone. */
function nestedStorage(bytes: unknown, name: string): unknown {
  const found = bytes instanceof Uint8Array ? readLegacy(bytes, name, false) : null;
  const value = found?.value as (TorchStorage & { isStorage?: true }) | undefined;
  if (!value?.isStorage) return new Opaque("a storage");
  return { ...value, inline: found!.storages.get(value.key) };
}

function fromType(make: unknown, args: unknown): unknown {
  const isKnown = make instanceof Opaque && "call" in make && typeof make.call === "function" && Array.isArray(args);
  return isKnown ? (make.call as (args: readonly unknown[]) => unknown)(args) : new Opaque("a tensor of another class");
}

/** `_rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks, metadata=None)` */
function tensor(args: readonly PickleValue[], fault: Fault): TorchTensor | Opaque {
  const [of, offset, shape, strides] = args;
  if (of instanceof Opaque) return new Opaque(`${OTHER_TENSOR}${kindOf(of.name)}`);
  if (args.length < 4 || args.length > 7) throw fault("a tensor has another number of arguments");
  const found = of as (TorchStorage & { isStorage?: true }) | null;
  if (typeof of !== "object" || found?.isStorage !== true) throw fault("a tensor has no storage");
  if (!isCount(offset) || !isCounts(shape) || !isCounts(strides) || shape.length !== strides.length) {
    throw fault("a tensor has a bad shape, stride or offset");
  }
  const elements = sizeOf(shape);
  const last = shape.reduce((at, length, axis) => at + (length - 1) * strides[axis], offset);
  if (!Number.isSafeInteger(elements)) throw fault("a tensor has a bad shape, stride or offset");
  if (elements > 0 && last >= found.count) throw fault("a tensor goes beyond its storage");
  // One that was expanded repeats elements by strides of 0.
  if (elements > Math.max(found.count, MOST_REPEATED)) {
    throw fault("a tensor repeats the elements of its storage too often: save its clone()");
  }
  return new TorchTensor(found, offset, [...shape], [...strides]);
}

/** `_rebuild_parameter(data, requires_grad, backward_hooks)` */
function parameter(args: readonly PickleValue[], fault: Fault): TorchTensor | NumpyArray | Opaque {
  const [held] = args;
  const isHeld = held instanceof TorchTensor || held instanceof NumpyArray || held instanceof Opaque;
  if (args.length !== 3 || !isHeld) throw fault("a parameter holds no tensor");
  return held;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= 64 && value.every(isCount);
}
