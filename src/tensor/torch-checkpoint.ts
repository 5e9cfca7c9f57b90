import { InputError } from "../core/errors.ts";
import { type PickleGlobal, type PickleValue, readPickle } from "./pickle.ts";
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
  BFloat16Storage: { bytes: 2, read: (view, at) => bitsToFloat(view.getUint16(at, true) << 16) },
  LongStorage: { bytes: 8, read: (view, at) => Number(view.getBigInt64(at, true)) },
  IntStorage: { bytes: 4, read: (view, at) => view.getInt32(at, true) },
  ShortStorage: { bytes: 2, read: (view, at) => view.getInt16(at, true) },
  CharStorage: { bytes: 1, read: (view, at) => view.getInt8(at) },
  ByteStorage: { bytes: 1, read: (view, at) => view.getUint8(at) },
  BoolStorage: { bytes: 1, read: (view, at) => (view.getUint8(at) === 0 ? 0 : 1) },
} satisfies Record<string, { bytes: number; read: Read }>;
export type TorchDtype = keyof typeof DTYPES;

const SETS = new Set(["builtins.set", "__builtin__.set", "builtins.frozenset", "__builtin__.frozenset"]);

/**
 * Reads the pickle of a PyTorch checkpoint (`data.pkl` of the zip), as data: tensors become views of storages, all else
 * plain containers, numbers and strings. Nothing is executed; anything else that a pickle can name is refused.
 *
 * @param name of the file, for messages. @throws InputError
 */
export function readTorchPickle(bytes: Uint8Array, name: string): PickleValue {
  const fault = (text: string) => new InputError(`${name}: ${text}`);
  const known = new Map<string, PickleGlobal["call"]>([
    ["collections.OrderedDict", (args) => orderedDict(args, fault)],
    ["torch._utils._rebuild_tensor_v2", (args) => tensor(args, fault)],
    ["torch._utils._rebuild_parameter", (args) => parameter(args, fault)],
    ...[...SETS].map((set) => [set, (args: readonly PickleValue[]) => setOf(args, fault)] as const),
  ]);
  return readPickle(
    bytes,
    {
      global(module, global) {
        const full = `${module}.${global}`;
        if (known.has(full)) return { name: full, call: known.get(full) };
        return module === "torch" && Object.hasOwn(DTYPES, global) ? { name: full } : undefined;
      },
      persistent: (id) => storage(id, fault),
    },
    name,
  );
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

function orderedDict(args: readonly PickleValue[], fault: Fault): Map<unknown, unknown> {
  const [pairs = [], ...more] = args;
  if (more.length > 0 || !Array.isArray(pairs) || !pairs.every((pair) => Array.isArray(pair) && pair.length === 2)) {
    throw fault("an OrderedDict is not made of pairs");
  }
  return new Map(pairs as [unknown, unknown][]);
}

function setOf(args: readonly PickleValue[], fault: Fault): Set<unknown> {
  const [items = [], ...more] = args;
  if (more.length > 0 || !Array.isArray(items)) throw fault("a set is not made of a list");
  return new Set(items);
}

/** `('storage', torch.FloatStorage, '0', 'cpu', 128)` */
function storage(id: PickleValue, fault: Fault): TorchStorage & { isStorage: true } {
  const [tag, type, key, , count] = Array.isArray(id) ? id : [];
  const dtype = (type as { name?: unknown } | undefined)?.name;
  const name = typeof dtype === "string" ? dtype.replace(/^torch\./, "") : "";
  if (tag !== "storage" || !Object.hasOwn(DTYPES, name)) throw fault("a storage is of no known type");
  if (typeof key !== "string" || !/^\d{1,9}$/.test(key)) throw fault("a storage's name is no number");
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

/** IEEE half precision. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

function bitsToFloat(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setInt32(0, bits);
  return view.getFloat32(0);
}
