import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { crc32 } from "node:zlib";
import { type Entry, openPromise, type ZipFile } from "yauzl";
import { InputError } from "../../core/errors.ts";
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
import { readBytes, withPath } from "../fs.ts";

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
  | PlainTensor;

/** A tensor with its values, read when asked for. */
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
/** First byte of a bare pickle of protocol 2 or later, which Python's `pickle.dump` writes. */
const PICKLE_MAGIC = 0x80;

/**
 * Reads a PyTorch checkpoint (the zip of PyTorch 1.6 and later), or a bare pickle of plain data, without executing
 * anything.
 *
 * @throws InputError naming the file, on anything that is not plainly a checkpoint of tensors and plain data.
 */
export async function readTorchFile(path: string): Promise<Plain> {
  const { value, storageOf } = await readValue(path);
  let nodes = 0;
  const plain = (part: unknown, depth: number): Plain => {
    if (depth > MOST_DEPTH || ++nodes > MOST_NODES) throw new InputError(`${path}: its data is nested without end`);
    if (part === null || typeof part !== "object") {
      if (part === null || ["boolean", "number", "string"].includes(typeof part)) return part as Plain;
      throw new InputError(`${path}: holds what is no plain data`);
    }
    if (part instanceof Uint8Array) return part;
    if (part instanceof TorchTensor) {
      const { storage } = part;
      const bytes = storageOf(storage.key);
      if (!bytes) throw new InputError(`${path}: the storage data/${storage.key} is missing`);
      if (bytes.length !== storageBytes(storage)) {
        throw new InputError(`${path}: data/${storage.key} has ${bytes.length} bytes, not ${storageBytes(storage)}`);
      }
      return new PlainTensor(part, bytes);
    }
    if (Array.isArray(part)) return part.map((item) => plain(item, depth + 1));
    if (part instanceof Set) return new Set([...part].map((item) => plain(item, depth + 1)));
    if (part instanceof Map) {
      return new Map([...part].map(([key, item]) => [plain(key, depth + 1), plain(item, depth + 1)]));
    }
    throw new InputError(`${path}: holds a storage or type outside a tensor`);
  };
  return plain(value, 0);
}

/** The value of the file's pickle, and the bytes of the storages that its tensors are views of. */
async function readValue(
  path: string,
): Promise<{ value: unknown; storageOf: (key: string) => Uint8Array | undefined }> {
  const isBare = readStart(path) === PICKLE_MAGIC;
  const legacy = isBare ? readLegacyCheckpoint(readBytes(path), path) : null;
  if (legacy) return { value: legacy.value, storageOf: (key) => legacy.storages.get(key) };
  const entries = isBare ? new Map([["bare/data.pkl", readBytes(path) as Uint8Array]]) : await readEntries(path);
  const [prefix, pickle] = onlyPickle(path, entries);
  const order = entries.get(`${prefix}byteorder`);
  if (order && Buffer.from(order).toString("latin1").trim() !== "little") {
    throw new InputError(`${path}: was written by a big-endian machine, which is not supported`);
  }
  return { value: readTorchPickle(pickle, path), storageOf: (key) => entries.get(`${prefix}data/${key}`) };
}

/** The first byte, where the file is small enough for a bare pickle. */
function readStart(path: string): number | null {
  return withPath(path, () => {
    const file = openSync(path, "r");
    try {
      const byte = Buffer.alloc(1);
      const found = readSync(file, byte, 0, 1, 0);
      return found === 1 && fstatSync(file).size < MOST_BYTES ? byte[0] : null;
    } finally {
      closeSync(file);
    }
  });
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
  } catch (error) {
    throw refuse(`no whole zip archive: ${(error as Error).message}`);
  }
  try {
    if (zip.entryCount > MOST_ENTRIES) throw refuse(`${zip.entryCount} entries`);
    const entries = new Map<string, Uint8Array>();
    let total = 0;
    for await (const entry of zip.eachEntry()) {
      const { fileName, compressionMethod, compressedSize, uncompressedSize } = entry;
      const shown = JSON.stringify(fileName.slice(0, 100));
      if (compressionMethod !== 0 || compressedSize !== uncompressedSize)
        throw refuse(`its entry ${shown} is compressed`);
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
