import { describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import type { NumpyArray } from "../../src/tensor/numpy-pickle.ts";
import { Opaque } from "../../src/tensor/opaque.ts";
import {
  readLegacyCheckpoint,
  readTorchPickle,
  TorchTensor,
  tensorNumbers,
} from "../../src/tensor/torch-checkpoint.ts";
import { dict, get, global, int, list, P, pickle, put, tensor, text, tuple } from "./pickle-bytes.ts";

const read = (...parts: number[][]) => readTorchPickle(pickle(...parts), "x.pt");
const bytes = (...values: number[]) => [0x42, values.length, 0, 0, 0, ...values];

/** A checkpoint as PyTorch wrote them before 1.6. */
function legacy(value: number[], keys: string[], storages: number[] = []): number[] {
  const magic = [0x8a, 10, ...[0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]];
  const parts = [magic, [0x4d, 0xe9, 3], dict([text("little_endian"), [0x88]]), value, list(...keys.map(text))];
  return [...parts.flatMap((part) => [...pickle(part)]), ...storages];
}

const storage = (type: string, key: string, count: number) => [
  ...tuple(text("storage"), global("torch", type), text(key), text("cpu"), int(count), P.none),
  ...P.persid,
];
const view = (of: number[], shape: number[]) => [
  ...global("torch._utils", "_rebuild_tensor_v2"),
  ...tuple(of, int(0), tuple(...shape.map(int)), tuple(int(1)), [0x89], P.emptyDict),
  ...P.reduce,
];
const halfAndTwo = [2, 0, 0, 0, 0, 0, 0, 0, ...new Uint8Array(Float32Array.of(0.5, 2).buffer)];

describe("what no weights are", () => {
  it("is left aside: tensors of types that no network of ours has", () => {
    const found = read(dict([text("q"), tensor("0", [2], { type: "QInt8Storage" })], [text("n"), int(1)]));
    expect(found).toEqual(
      new Map<string, unknown>([
        ["q", expect.any(Opaque)],
        ["n", 1],
      ]),
    );
    // In an old file their bytes lie between those of others.
    const value = list(view(storage("ComplexFloatStorage", "5", 1), [1]), view(storage("FloatStorage", "6", 2), [2]));
    const file = legacy(value, ["5", "6"], [1, 0, 0, 0, 0, 0, 0, 0, ...Array(8).fill(7), ...halfAndTwo]);
    const { value: items, storages } = readLegacyCheckpoint(Uint8Array.from(file), "x.pt")!;
    const [other, floats] = items as [Opaque, TorchTensor];
    expect(other).toBeInstanceOf(Opaque);
    expect(tensorNumbers(floats, storages.get("6")!)).toEqual([0.5, 2]);
  });

  it("is left aside: numbers of any length, and objects of old protocols", () => {
    expect(read([0x8a, 17, ...Array(16).fill(0), 1])).toBe(2 ** 128);
    expect(read([0x8b, 0, 2, 0, 0, ...Array(511).fill(0), 1])).toBe(Number.POSITIVE_INFINITY);
    const made = [
      ...global("copy_reg", "_reconstructor"),
      ...tuple(global("argparse", "Namespace"), global("__builtin__", "object"), P.none),
      ...P.reduce,
    ];
    expect(read(made)).toMatchObject({ name: "argparse.Namespace" });
  });

  it("is a whole model of before 1.6, whose class stands beside its source", () => {
    const type = [...tuple(text("module"), global("nets", "Net"), text("nets.py"), text("class Net: …")), ...P.persid];
    const attributes = dict([text("_modules"), P.emptyDict], [text("_parameters"), P.emptyDict]);
    const model = [...type, ...P.emptyTuple, 0x81, ...attributes, ...P.build];
    const { value } = readLegacyCheckpoint(Uint8Array.from(legacy(model, [])), "x.pt")!;
    expect(value).toMatchObject({ name: "nets.Net", isModule: true });
  });
});

describe("tensors in other clothes", () => {
  it("hold their storage within, where pickle.dump wrote them", () => {
    const inner = legacy(storage("FloatStorage", "9", 2), ["9"], halfAndTwo);
    const held = (content: number[]) => [
      ...global("torch.storage", "_load_from_bytes"),
      ...[0x42, content.length & 255, content.length >> 8, 0, 0, ...content, ...P.tuple1],
      ...P.reduce,
    ];
    const found = read(view(held(inner), [2])) as TorchTensor;
    expect(tensorNumbers(found, found.storage.inline!)).toEqual([0.5, 2]);
    // One within one within … is read no further.
    expect(read(held(legacy(held(inner), [])))).toBeInstanceOf(Opaque);
  });

  it("may be of a class of somebody's own, or a NumPy array of protocol 5", () => {
    const inner = tuple(storage("FloatStorage", "0", 2), int(0), tuple(int(2)), tuple(int(1)), [0x89], P.emptyDict);
    const make = global("torch._utils", "_rebuild_tensor_v2");
    const own = tuple(make, global("fastai.torch_core", "TensorBase"), inner, P.emptyDict);
    expect(read(global("torch._tensor", "_rebuild_from_type_v2"), own, P.reduce)).toBeInstanceOf(TorchTensor);
    const type = [...global("numpy", "dtype"), ...tuple(text("i2"), [0x89], [0x88]), ...P.reduce];
    const args = tuple(bytes(1, 0, 2, 0), type, tuple(int(2)), text("C"));
    const array = read(global("numpy._core.numeric", "_frombuffer"), args, P.reduce) as NumpyArray;
    expect(array.numbers()).toEqual([1, 2]);
  });
});

describe("a small pickle that makes much", () => {
  const many = (call: number[], times: number) => list(Array(times).fill(call).flat());
  it.each<[string, number[][]]>([
    ["ranges", [global("builtins", "range"), put(0), many([...get(0), ...int(900_000), ...P.tuple1, ...P.reduce], 9)]],
    [
      "copies of a list",
      [
        list(...Array.from({ length: 30_000 }, () => P.none)),
        put(0),
        global("builtins", "list"),
        put(1),
        many([...get(1), ...get(0), ...P.tuple1, ...P.reduce], 300),
      ],
    ],
    [
      "arrays of a text's bytes",
      [
        text("a".repeat(50_000)),
        put(0),
        [...global("numpy", "dtype"), ...text("u1"), ...P.tuple1, ...P.reduce, ...put(1)],
        [...global("numpy.core.multiarray", "_reconstruct"), ...put(2)],
        many(
          [
            ...[...get(2), ...P.emptyTuple, ...P.reduce],
            ...tuple(int(1), tuple(int(50_000)), get(1), [0x89], get(0)),
            ...P.build,
          ],
          300,
        ),
      ],
    ],
    [
      "copies of bytes",
      [
        text("a".repeat(50_000)),
        put(0),
        global("_codecs", "encode"),
        put(1),
        many([...get(1), ...get(0), ...text("latin1"), ...P.tuple2, ...P.reduce], 300),
      ],
    ],
  ])("is refused: %s", (_, parts) => {
    let error: unknown;
    try {
      // What is below the list stays on the stack; the reading ends before.
      read(...parts);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message).toBe("x.pt: refused as a pickle: it makes far more than it holds");
  });
});
