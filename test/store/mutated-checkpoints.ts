import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { exportOnnx } from "../../src/graph/export.ts";
import { readWeights, type Weights } from "../../src/store/foreign/weights.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { encodeTensors } from "../../src/tensor/safetensors.ts";
import { dict, float, global, int, list, P, pickle, put, tensor, text, tuple } from "../tensor/pickle-bytes.ts";
import { randomState } from "./fixture.ts";
import { torchZip } from "./torch-zip.ts";

/** One change of a file's bytes; places are shares of its length. */
export type Change =
  | { kind: "flip"; at: number; bit: number }
  | { kind: "set"; at: number; value: number }
  | { kind: "cut"; at: number }
  | { kind: "drop"; at: number; length: number }
  | { kind: "insert"; at: number; bytes: Uint8Array }
  | { kind: "swap"; at: number; with: number; length: number };

const at = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const length = fc.integer({ min: 1, max: 64 });
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant("flip" as const), at, bit: fc.integer({ min: 0, max: 7 }) }),
  fc.record({ kind: fc.constant("set" as const), at, value: fc.constantFrom(0, 1, 0x28, 0x52, 0x7f, 0x80, 0xff) }),
  fc.record({ kind: fc.constant("cut" as const), at }),
  fc.record({ kind: fc.constant("drop" as const), at, length }),
  fc.record({ kind: fc.constant("insert" as const), at, bytes: fc.uint8Array({ minLength: 1, maxLength: 16 }) }),
  fc.record({ kind: fc.constant("swap" as const), at, with: at, length }),
);
export const changes = fc.array(change, { minLength: 1, maxLength: 4 });

export function changed(bytes: Uint8Array, all: readonly Change[]): Uint8Array {
  return all.reduce((before, one) => applied(Uint8Array.from(before), one), bytes);
}

function applied(bytes: Uint8Array, one: Change): Uint8Array {
  const place = Math.floor(one.at * bytes.length);
  const joined = (...parts: Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));
  if (one.kind === "cut") return bytes.subarray(0, place);
  if (one.kind === "drop") return joined(bytes.subarray(0, place), bytes.subarray(place + one.length));
  if (one.kind === "insert") return joined(bytes.subarray(0, place), one.bytes, bytes.subarray(place));
  if (bytes.length === 0) return bytes;
  if (one.kind === "flip") bytes[place] ^= 1 << one.bit;
  else if (one.kind === "set") bytes[place] = one.value;
  else {
    const other = Math.floor(one.with * bytes.length);
    const size = Math.min(one.length, bytes.length - Math.max(place, other));
    const kept = bytes.slice(place, place + size);
    bytes.copyWithin(place, other, other + size);
    bytes.set(kept, other);
  }
  return bytes;
}

const elements = (count: number) => new Uint8Array(Float32Array.from({ length: count }, (_, i) => i / 8).buffer);

/** A state dict among all that a checkpoint may hold besides. */
const VALUE = dict(
  [
    text("state_dict"),
    dict(
      [text("conv1.weight"), tensor("0", [4, 3, 3, 3])],
      [text("bn1.weight"), tensor("1", [4])],
      [text("bn1.num_batches_tracked"), tensor("2", [], { type: "LongStorage", count: 1 })],
    ),
  ],
  [text("epoch"), int(3)],
  [text("acc"), float(0.5)],
  [
    text("args"),
    [...global("argparse", "Namespace"), ...P.emptyTuple, 0x81, ...dict([text("lr"), float(1)]), ...P.build],
  ],
  [text("seen"), [...global("builtins", "set"), ...tuple(list(int(1), int(2))), ...P.reduce]],
  [text("steps"), [...list(int(1), int(2)), ...put(1)]],
);
const STORAGES = { 0: elements(108), 1: elements(4), 2: new Uint8Array(8) };

/** A NumPy array of floats, as `pickle.dump` writes it. */
function array(shape: number[], bytes: Uint8Array): number[] {
  const type = [...global("numpy", "dtype"), ...tuple(text("f4"), [0x89], [0x88]), ...P.reduce];
  const order = [int(3), text("<"), P.none, P.none, P.none, int(-1), int(-1), int(0)];
  const size = [...new Uint8Array(Uint32Array.of(bytes.length).buffer)];
  const state = tuple(
    int(1),
    tuple(...shape.map(int)),
    [...type, ...tuple(...order), ...P.build],
    [0x89],
    [0x42, ...size, ...bytes],
  );
  const empty = tuple(global("numpy", "ndarray"), tuple(int(0)), [0x43, 1, 0x62]);
  return [...global("numpy.core.multiarray", "_reconstruct"), ...empty, ...P.reduce, ...state, ...P.build];
}

/** As `torch.save` wrote before 1.6: five pickles, then every storage after its count. */
function legacy(): Uint8Array {
  const magic = [0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
  const heads = [
    pickle(magic),
    pickle([0x4d, 0xe9, 0x03]),
    pickle(dict([text("little_endian"), [0x88]])),
    pickle(VALUE),
  ];
  const counts: Record<string, number> = { 0: 108, 1: 4, 2: 1 };
  const storages = Object.entries(STORAGES).flatMap(([key, bytes]) => [
    new Uint8Array(BigInt64Array.of(BigInt(counts[key])).buffer),
    bytes,
  ]);
  return Buffer.concat([...heads, pickle(list(text("0"), text("1"), text("2"))), ...storages]);
}

const SAFE = encodeTensors(
  new Map([
    ["conv1.weight", { dtype: "F32", shape: [4, 3, 3, 3], bytes: elements(108) }],
    ["bn1.num_batches_tracked", { dtype: "I64", shape: [], bytes: new Uint8Array(8) }],
  ]),
);
const HEADER = 8 + Number(new DataView(SAFE.buffer).getBigUint64(0, true));

/** A header of another length keeps its count, so that what it says is looked at. */
function withHeader(header: Uint8Array): Uint8Array {
  const count = new Uint8Array(BigUint64Array.of(BigInt(header.length)).buffer);
  return Buffer.concat([count, header, SAFE.subarray(HEADER)]);
}

const PICKLE = pickle(VALUE);
const ARRAYS = pickle(dict([text("conv1.weight"), array([2, 3, 3, 3], elements(54))], [text("epoch"), int(1)]));
const network = buildNetwork("vgg13w4", 2);
const ONNX = exportOnnx(network, randomState(network, 1));

/** Each form as what is changed of it, and how that becomes a file: checksums and counts go with the change where it says so. */
export const FORMS: Record<string, { bytes: Uint8Array; file(changed: Uint8Array): Uint8Array; name?: string }> = {
  "a zip": { bytes: torchZip(PICKLE, STORAGES), file: (bytes) => bytes },
  "a zip's pickle": { bytes: PICKLE, file: (bytes) => torchZip(bytes, STORAGES) },
  "a pickle of arrays": { bytes: ARRAYS, file: (bytes) => bytes },
  "a checkpoint before 1.6": { bytes: legacy(), file: (bytes) => bytes },
  "a safetensors file": { bytes: SAFE, file: (bytes) => bytes, name: "model.safetensors" },
  "a safetensors header": { bytes: SAFE.subarray(8, HEADER), file: withHeader, name: "model.safetensors" },
  "an ONNX file's head": {
    bytes: ONNX.subarray(0, 2000),
    file: (bytes) => Buffer.concat([bytes, ONNX.subarray(2000)]),
    name: "model.onnx",
  },
};

const MOST_VIEWS = 8;
const SMALL_BYTES = 1 << 20;
const MOST_LINE = 2000;

/** Reads a file that may be anything: a state dict not much larger than it, or one line that names it. @returns the weights, or null */
export async function answer(bytes: Uint8Array, name = "model.pt"): Promise<Weights | null> {
  const file = join(folder, name);
  writeFileSync(file, bytes);
  try {
    const weights = await readWeights(file);
    const { tensors } = weights;
    const size = [...tensors.values()].reduce((sum, tensor) => sum + tensor.bytes.length, 0);
    expect(size).toBeLessThanOrEqual(MOST_VIEWS * bytes.length + SMALL_BYTES);
    return weights;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    expect(error.message.startsWith(`${file}: `), error.message).toBe(true);
    expect(error.message.length).toBeLessThan(MOST_LINE);
    expect(error.message).not.toMatch(/\n/);
    return null;
  }
}

/** It outlives a test file: others of the same worker read here too. */
const folder = mkdtempSync(join(tmpdir(), "bdefects-checkpoints-"));
