import { statSync } from "node:fs";
import { crc32 } from "node:zlib";
import { type Entry, openPromise, type ZipFile } from "yauzl";
import { InputError } from "../../core/errors.ts";
import { NumpyArray, NumpyType } from "../../tensor/numpy-pickle.ts";
import { Opaque } from "../../tensor/opaque.ts";
import { sizeOf } from "../../tensor/state.ts";
import {
  readLegacyCheckpoint,
  readTorchPickle,
  storageBytes,
  type TorchDtype,
  TorchTensor,
  tensorBytes,
  tensorFloats,
  tensorNumbers,
} from "../../tensor/torch-checkpoint.ts";
import { readBytes } from "../disk/fs.ts";
import { startOf, whatItIs, whatZipIs } from "./what-it-is.ts";

/** What a checkpoint holds once its tensors are values: plain data alone. */
export type Plain =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | Plain[]
  | Map<Plain, Plain>
  | Set<Plain>
  | PlainTensor
  | Bystander;

/** Something that is no weight and no plain data, e.g. an `argparse.Namespace`. It was not made; only its name is known. */
export class Bystander {
  /** `module.name` of its class. */
  readonly name: string;
  /** Whether it is a PyTorch module, that is a network pickled whole. */
  readonly isModule: boolean;

  constructor(name: string, isModule = false) {
    this.name = name;
    this.isModule = isModule;
  }
}

/** A tensor, or a NumPy array, with its values, read when asked for. */
export class PlainTensor {
  readonly shape: number[];
  private readonly tensor: TorchTensor;
  private readonly bytes: Uint8Array;

  constructor(tensor: TorchTensor, bytes: Uint8Array) {
    this.shape = tensor.shape;
    this.tensor = tensor;
    this.bytes = bytes;
  }

  get dtype(): TorchDtype {
    return this.tensor.storage.dtype;
  }

  /** Row-major, each element's bytes as they are. */
  elements(): Uint8Array {
    return tensorBytes(this.tensor, this.bytes);
  }

  floats(): Float32Array {
    return tensorFloats(this.tensor, this.bytes);
  }

  numbers(): number[] {
    return tensorNumbers(this.tensor, this.bytes);
  }
}

const MOST_ENTRIES = 100_000;
const MOST_PICKLE_BYTES = 64 << 20;
const MOST_BYTES = 2 ** 31;
/** Plain data is a tree of a few levels; a memo can make one that never ends. */
const MOST_DEPTH = 64;
const MOST_NODES = 2_000_000;
/** A bare pickle begins so: of protocol 2 or later, which Python's `pickle.dump` writes; or PyTorch's magic number before. */
const PICKLE_STARTS = ["\x80", "L119547037146038801333356L\n"];
const ZIP_START = "PK";
const START_BYTES = 32;

/**
 * Reads a PyTorch checkpoint (the zip of PyTorch 1.6 and later, or what was before), or a bare pickle of plain data, without
 * executing anything. What is neither a tensor nor plain data is a `Bystander`.
 *
 * @throws InputError naming the file and what it is where it is no checkpoint, or damaged
 */
export async function readTorchFile(path: string): Promise<Plain> {
  return plainOf(path, await readValue(path));
}

/**
 * Reads a pickle of plain data and NumPy arrays, as `readTorchFile` reads a file.
 *
 * @param path of the file that it lies in, for messages. @throws InputError
 */
export function readPlainPickle(bytes: Uint8Array, path: string): Plain {
  return plainOf(path, { value: readTorchPickle(bytes, path), storageOf: () => undefined, stored: bytes.length });
}

/** A pickle's value, and the bytes of the storages that its tensors are views of. */
interface Unpickled {
  value: unknown;
  storageOf(key: string): Uint8Array | undefined;
  /** Bytes of the file. */
  stored: number;
}

function plainOf(path: string, { value, storageOf, stored }: Unpickled): Plain {
  let nodes = 0;
  let viewed = 0;
  const count = (bytes: number) => {
    viewed += bytes;
    if (viewed > MOST_VIEWS * stored + SMALL_BYTES) {
      throw new InputError(
        `${path}: its tensors share storages until they are ${MOST_VIEWS} times as large as the file; save their clone()`,
      );
    }
  };
  const arrays = new Map<NumpyArray, Plain>();
  const plain = (part: unknown, depth: number): Plain => {
    if (depth > MOST_DEPTH || ++nodes > MOST_NODES) throw new InputError(`${path}: its data is nested without end`);
    if (part === null || typeof part !== "object") {
      if (part === null || ["boolean", "number", "string"].includes(typeof part)) return part as Plain;
      throw new InputError(`${path}: holds what is no plain data`);
    }
    if (part instanceof Uint8Array) return part;
    if (part instanceof TorchTensor) {
      const { storage } = part;
      const bytes = storage.inline ?? storageOf(storage.key);
      if (!bytes) throw new InputError(`${path}: the storage data/${storage.key} is missing`);
      if (bytes.length !== storageBytes(storage)) {
        throw new InputError(`${path}: data/${storage.key} has ${bytes.length} bytes, not ${storageBytes(storage)}`);
      }
      count(sizeOf(part.shape) * (storageBytes(storage) / Math.max(1, storage.count)));
      return new PlainTensor(part, bytes);
    }
    if (part instanceof NumpyArray) {
      // The memo may name one array often; its numbers are made once.
      const known = arrays.get(part);
      if (known !== undefined) return known;
      if (part.data instanceof Uint8Array) count(part.data.length);
      const made = arrayOf(part, (item) => plain(item, depth + 1));
      arrays.set(part, made);
      return made;
    }
    if (part instanceof NumpyType) return new Bystander("numpy.dtype");
    const pairs = part instanceof Opaque && part.entries.size > 0 ? part.entries : part;
    if (pairs instanceof Opaque) return new Bystander(pairs.name, pairs.isModule);
    if (Array.isArray(pairs)) return pairs.map((item) => plain(item, depth + 1));
    if (pairs instanceof Set) return new Set([...pairs].map((item) => plain(item, depth + 1)));
    if (pairs instanceof Map) {
      return new Map([...pairs].map(([key, item]) => [plain(key, depth + 1), plain(item, depth + 1)]));
    }
    // A storage that no tensor is a view of.
    return new Bystander("a storage");
  };
  return plain(value, 0);
}

/** Views may overlap, as tied weights do, but not so often that a small file becomes a large network. */
const MOST_VIEWS = 8;
const SMALL_BYTES = 1 << 20;

/** An array as a tensor, one of objects as a list; any other (texts, dates) stands aside. */
function arrayOf(array: NumpyArray, plain: (item: unknown) => Plain): Plain {
  if (Array.isArray(array.data)) return array.data.map(plain);
  const values = array.numbers();
  if (!values) return new Bystander("numpy.ndarray");
  const dtype: TorchDtype =
    array.type!.code === "b1" ? "BoolStorage" : array.type!.code === "f4" ? "FloatStorage" : "DoubleStorage";
  const bytes =
    dtype === "BoolStorage"
      ? Uint8Array.from(values)
      : new Uint8Array((dtype === "FloatStorage" ? Float32Array : Float64Array).from(values).buffer);
  const strides = array.shape.map((_, axis) => sizeOf(array.shape.slice(axis + 1)));
  const storage = { dtype, key: "numpy", count: values.length };
  return new PlainTensor(new TorchTensor(storage, 0, array.shape, strides), bytes);
}

/** Names of the bystanders in a checkpoint, each once, sorted. */
export function bystandersIn(value: Plain): string[] {
  const names = new Set<string>();
  const visit = (part: Plain) => {
    if (part instanceof Bystander) names.add(part.name);
    else if (Array.isArray(part) || part instanceof Set) for (const item of part) visit(item);
    else if (part instanceof Map) for (const item of part.values()) visit(item);
  };
  visit(value);
  return [...names].sort();
}

async function readValue(path: string): Promise<Unpickled> {
  const start = startOf(path, START_BYTES).toString("latin1");
  const isBare = PICKLE_STARTS.some((begin) => start.startsWith(begin)) && statSync(path).size < MOST_BYTES;
  const isZip = start.startsWith(ZIP_START);
  const what = isBare || isZip ? null : await whatItIs(path);
  if (what !== null) throw new InputError(`${path}: ${what}`);
  const stored = statSync(path).size;
  const legacy = isBare ? readLegacyCheckpoint(readBytes(path), path) : null;
  if (legacy) return { value: legacy.value, storageOf: (key) => legacy.storages.get(key), stored };
  const entries = isBare ? new Map([["bare/data.pkl", readBytes(path) as Uint8Array]]) : await readEntries(path);
  const [prefix, pickle] = onlyPickle(path, entries);
  const order = entries.get(`${prefix}byteorder`);
  if (order && Buffer.from(order).toString("latin1").trim() !== "little") {
    throw new InputError(`${path}: was written by a big-endian machine, which is not supported`);
  }
  return { value: readTorchPickle(pickle, path), storageOf: (key) => entries.get(`${prefix}data/${key}`), stored };
}

/** `<name>/data.pkl`, exactly one. */
function onlyPickle(path: string, entries: ReadonlyMap<string, Uint8Array>): [prefix: string, pickle: Uint8Array] {
  const found = [...entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (found.length !== 1) throw new InputError(`${path}: is no PyTorch checkpoint: it has ${found.length} 'data.pkl'`);
  const pickle = entries.get(found[0])!;
  if (pickle.length > MOST_PICKLE_BYTES) throw new InputError(`${path}: its pickle is too large`);
  return [found[0].slice(0, -"data.pkl".length), pickle];
}

/** PyTorch stores entries uncompressed, so nothing can grow. */
async function readEntries(path: string): Promise<Map<string, Uint8Array>> {
  const refuse = (text: string) => new InputError(`${path}: is no PyTorch checkpoint: ${text}`);
  let zip: ZipFile;
  try {
    zip = await openPromise(path, { lazyEntries: true, autoClose: false });
  } catch {
    const isZip = startOf(path, ZIP_START.length).toString("latin1") === ZIP_START;
    // A zip ends in its directory, so one that was cut short has none.
    if (isZip) throw refuse("no whole zip archive; it is cut short, so download or save it again");
    throw new InputError(`${path}: is of no form that is read: give a PyTorch checkpoint, .safetensors or ONNX file`);
  }
  try {
    if (zip.entryCount > MOST_ENTRIES) throw refuse(`${zip.entryCount} entries`);
    const found: Entry[] = [];
    for await (const entry of zip.eachEntry()) found.push(entry);
    const what = whatZipIs(found.map(({ fileName }) => fileName));
    if (what !== null) throw new InputError(`${path}: ${what}`);
    const entries = new Map<string, Uint8Array>();
    let total = 0;
    for (const entry of found) {
      const { fileName, compressionMethod, compressedSize, uncompressedSize } = entry;
      const shown = JSON.stringify(fileName.slice(0, 100));
      if (compressionMethod !== 0 || compressedSize !== uncompressedSize)
        throw refuse(`its entry ${shown} is compressed; it was packed anew, so save it by torch.save again`);
      if (entries.has(fileName)) throw refuse(`two entries ${shown}`);
      total += uncompressedSize;
      if (total > MOST_BYTES) throw refuse("more than 2 GB");
      entries.set(fileName, await readEntry(zip, entry, shown));
    }
    return entries;
  } catch (error) {
    if (error instanceof InputError) throw error.message.startsWith(path) ? error : refuse(error.message);
    throw refuse((error as Error).message);
  } finally {
    zip.close();
  }
}

async function readEntry(zip: ZipFile, entry: Entry, shown: string): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  if (crc32(bytes) !== entry.crc32) throw new InputError(`its entry ${shown} is damaged (checksum)`);
  return bytes;
}
