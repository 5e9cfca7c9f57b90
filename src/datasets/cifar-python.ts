import { InputError } from "../core/errors.ts";
import { NumpyArray, numpyGlobals } from "../tensor/numpy-pickle.ts";
import { readPickle } from "../tensor/pickle.ts";
import { plainGlobals, runsPrograms } from "../tensor/plain-pickle.ts";
import { readDataFile } from "./files.ts";
import { CHANNELS } from "./types.ts";

const PIXELS = CHANNELS * 32 * 32;

/**
 * Reads a file of CIFAR's python version, a pickled dict of pixels and labels, as the records of the binary version.
 * Nothing in it is executed.
 *
 * @param labels the dict's lists of labels, in the order in which a binary record has them
 * @throws InputError naming the file and what it lacks
 */
export function readCifarPython(path: string, labels: readonly string[]): { path: string; bytes: Buffer } {
  const fault = (text: string) => new InputError(`${path}: ${text}`);
  const known = new Map([...plainGlobals(fault), ...numpyGlobals(fault)]);
  const dict = readPickle(
    readDataFile(path),
    {
      global(module, name) {
        const full = `${module}.${name}`;
        if (runsPrograms(module, name)) throw fault(`it names '${full.slice(0, 200)}', which runs programs`);
        const call = known.get(full);
        return call && { name: full, call };
      },
      persistent() {
        throw fault("is no batch of CIFAR's python version");
      },
    },
    path,
  );
  if (!(dict instanceof Map)) throw fault("is no batch of CIFAR's python version: it holds no dict");
  const fields = new Map([...dict].map(([key, value]) => [textOf(key), value]));
  const pixels = fields.get("data");
  const isPixels = pixels instanceof NumpyArray && pixels.type?.code === "u1" && pixels.data instanceof Uint8Array;
  if (!isPixels || pixels.isFortran || pixels.shape.length !== 2 || pixels.shape[1] !== PIXELS) {
    throw fault(`its 'data' is no array of bytes with ${PIXELS} in a row`);
  }
  const [count] = pixels.shape;
  const lists = labels.map((name) => {
    const list = fields.get(name);
    const isLabels = Array.isArray(list) && list.every((label) => Number.isInteger(label) && label >= 0 && label < 256);
    if (!isLabels || list.length !== count) throw fault(`its '${name}' are not ${count} labels`);
    return list as number[];
  });
  const record = labels.length + PIXELS;
  const bytes = Buffer.alloc(count * record);
  for (let i = 0; i < count; i++) {
    for (const [at, list] of lists.entries()) bytes[i * record + at] = list[i];
    bytes.set((pixels.data as Uint8Array).subarray(i * PIXELS, (i + 1) * PIXELS), i * record + labels.length);
  }
  return { path, bytes };
}

/** Keys are texts, or bytes where Python 3 wrote what Python 2 had. */
function textOf(key: unknown): unknown {
  return key instanceof Uint8Array ? Buffer.from(key).toString("latin1") : key;
}
