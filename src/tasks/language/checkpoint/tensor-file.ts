import { closeSync, openSync, readSync, statSync } from "node:fs";
import { InputError } from "../../../core/errors.ts";
import { reasonOf, strayOf } from "../../../files/data-file.ts";
import { decodeFloats } from "../../../tensor/safetensors.ts";
import {
  DTYPE_BYTES,
  type Fail,
  headerLength,
  LENGTH_BYTES,
  type TensorPlace,
  tensorPlaces,
} from "../../../tensor/safetensors-header.ts";

/** The header of a file with 100,000 tensors has as many. */
const MOST_HEADER_BYTES = 32 << 20;
/** Bytes that are read at once: what is converted on the way lies in memory twice. */
const PIECE = 4 << 20;
/** Where they land, for all files: what is read is converted before the next is. */
let landing: Uint8Array | undefined;

/** A safetensors file of which tensors are read one by one, into arrays of the caller's. */
export class TensorFile {
  readonly path: string;
  readonly places: readonly TensorPlace[];
  private readonly dataStart: number;

  private constructor(path: string, places: readonly TensorPlace[], dataStart: number) {
    this.path = path;
    this.places = places;
    this.dataStart = dataStart;
  }

  /** Reads the header. @throws InputError where it is no such file, or a cut one */
  static open(path: string): TensorFile {
    const fail: Fail = (fault) => {
      throw new InputError(`${path}: not a valid safetensors file: ${fault}; download or save it again`);
    };
    const bytes = sizeOf(path);
    const start = readAt(path, 0, new Uint8Array(Math.min(bytes, 128)));
    const stray = strayOf(start);
    if (stray !== null) throw new InputError(`${path}: ${stray}`);
    const length = headerLength(start, bytes, fail, MOST_HEADER_BYTES);
    const dataStart = LENGTH_BYTES + length;
    return new TensorFile(
      path,
      tensorPlaces(readAt(path, LENGTH_BYTES, new Uint8Array(length)), bytes - dataStart, fail),
      dataStart,
    );
  }

  /** Where the bytes of a tensor begin in the file. */
  startOf({ begin }: TensorPlace): number {
    return this.dataStart + begin;
  }

  /**
   * Reads floats of a tensor as 32-bit ones.
   *
   * @param out where they go; `out.length` of them are read
   * @param from the first of them, counted in the tensor
   * @throws InputError where the tensor holds no floats, or the file has become shorter
   */
  read({ key, dtype, begin }: TensorPlace, out: Float32Array, from = 0): void {
    const size = DTYPE_BYTES[dtype];
    const most = PIECE / size;
    for (let done = 0; done < out.length; done += most) {
      const count = Math.min(most, out.length - done);
      landing ??= new Uint8Array(PIECE);
      const bytes = readAt(this.path, this.dataStart + begin + (from + done) * size, landing.subarray(0, count * size));
      if (decodeFloats(dtype, bytes, out.subarray(done, done + count))) continue;
      throw new InputError(`${this.path}: '${key}' is of ${dtype}; weights are floats, so save the model unquantized`);
    }
  }
}

function sizeOf(path: string): number {
  try {
    const found = statSync(path);
    if (found.isFile()) return found.size;
    throw new InputError(`cannot read ${path}: it is ${found.isDirectory() ? "a folder" : "no regular file"}`);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`cannot read ${path}: ${reasonOf(error)}`);
  }
}

/** Fills `bytes` from a place of a file on. */
function readAt(path: string, position: number, bytes: Uint8Array): Uint8Array {
  try {
    const file = openSync(path, "r");
    try {
      let done = 0;
      while (done < bytes.length) {
        const read = readSync(file, bytes, done, bytes.length - done, position + done);
        if (read === 0) throw new InputError(`${path}: became shorter while it was read`);
        done += read;
      }
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`cannot read ${path}: ${reasonOf(error)}`);
  }
  return bytes;
}
