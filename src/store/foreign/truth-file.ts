import { InputError } from "../../core/errors.ts";
import { decodeNpy, npyPickle } from "../../tensor/npy.ts";
import { readBytes } from "../disk/fs.ts";
import { type Plain, readPlainPickle, readTorchFile } from "./torch-file.ts";

const MOST_BYTES = 64 << 20;
/** As for checkpoints. */
const MOST_DEPTH = 64;

/**
 * Reads a file of labels: JSON, what `numpy.save` wrote of numbers or of anything plain, or what `torch.save` or `pickle.dump`
 * wrote. An array of two dimensions is a list of its rows.
 *
 * @throws InputError naming the file and its fault
 */
export async function readTruthFile(path: string): Promise<Plain> {
  if (path.endsWith(".json")) return plainJson(parseJson(path), path, 0);
  if (path.endsWith(".npy")) return arrayRows(path);
  return readTorchFile(path);
}

function parseJson(path: string): unknown {
  try {
    return JSON.parse(readBytes(path, MOST_BYTES).toString("utf8"));
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${path}: is not JSON`);
  }
}

function plainJson(value: unknown, path: string, depth: number): Plain {
  if (depth > MOST_DEPTH) throw new InputError(`${path}: its data is nested more than ${MOST_DEPTH} deep`);
  if (Array.isArray(value)) return value.map((item) => plainJson(item, path, depth + 1));
  if (typeof value !== "object" || value === null) return value as Plain;
  return new Map(Object.entries(value).map(([key, item]) => [key, plainJson(item, path, depth + 1)]));
}

function arrayRows(path: string): Plain {
  const bytes = readBytes(path, MOST_BYTES);
  const pickle = npyPickle(bytes);
  if (pickle) {
    const value = readPlainPickle(pickle, path);
    // A dict is saved as an array without dimensions.
    return Array.isArray(value) && value.length === 1 && value[0] instanceof Map ? value[0] : value;
  }
  const { shape, values } = decodeNpy(bytes, path);
  const numbers = Array.from(values, Number);
  const [rows, length] = shape;
  if (shape.length === 1) return numbers;
  if (shape.length !== 2) throw new InputError(`${path}: is of shape (${shape.join(", ")}); give one row a layer`);
  return Array.from({ length: rows }, (_, i) => numbers.slice(i * length, (i + 1) * length));
}
