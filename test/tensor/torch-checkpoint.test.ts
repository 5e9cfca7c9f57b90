import { describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { Opaque } from "../../src/tensor/opaque.ts";
import {
  readTorchPickle,
  type TorchDtype,
  TorchTensor,
  tensorFloats,
  tensorNumbers,
} from "../../src/tensor/torch-checkpoint.ts";
import { dict, float, get, global, int, list, P, pickle, put, tensor, text, tuple } from "./pickle-bytes.ts";

const read = (...parts: number[][]) => readTorchPickle(pickle(...parts), "x.pt");

/** Refusals are one clear line naming the file. */
function refuses(bytes: Uint8Array, message: RegExp): void {
  let error: unknown;
  try {
    readTorchPickle(bytes, "x.pt");
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(InputError);
  expect((error as Error).message).toMatch(message);
  expect((error as Error).message).toMatch(/^x\.pt: [^\n]+$/);
}

describe("plain pickles", () => {
  it("give containers, numbers and strings", () => {
    const value = read(dict([text("a"), list(int(-1), float(0.5), [0x88], P.none)], [int(2), tuple(text("é"))]));
    expect(value).toEqual(
      new Map<unknown, unknown>([
        ["a", [-1, 0.5, true, null]],
        [2, ["é"]],
      ]),
    );
    // INT, LONG, LONG1, BININT1, BININT2 and numbers as text
    const bytes = [...Buffer.from("I7\nI01\nL-9L\nF2.5\n"), 0x8a, 2, 0x00, 0x80, 0x4b, 200, 0x4d, 1, 2];
    expect(read(list([...bytes]))).toEqual([7, true, -9, 2.5, -32768, 200, 513]);
    expect(read(global("builtins", "set"), tuple(list(int(1), int(1))), P.reduce)).toEqual(new Set([1]));
  });

  it("share what the memo holds, and may be round", () => {
    const shared = read(list([...list(int(1)), ...put(0)], get(0))) as unknown[];
    expect(shared[0]).toBe(shared[1]);
    const round = read(P.emptyList, put(0), get(0), [0x61]) as unknown[];
    expect(round[0]).toBe(round);
  });

  it("give state dicts with their metadata left out", () => {
    const ordered = [...global("collections", "OrderedDict"), ...P.emptyTuple, ...P.reduce];
    const state = read(
      ordered,
      P.mark,
      text("conv1.weight"),
      tensor("0", [2, 3]),
      P.setitems,
      dict([text("_metadata"), ordered]),
      P.build,
    ) as Map<string, TorchTensor>;
    expect([...state.keys()]).toEqual(["conv1.weight"]);
    expect(state.get("conv1.weight")).toMatchObject({
      shape: [2, 3],
      strides: [3, 1],
      storage: { key: "0", count: 6 },
    });
    const parameter = read(
      global("torch._utils", "_rebuild_parameter"),
      tuple(tensor("1", [2]), [0x88], ordered),
      P.reduce,
    );
    expect(parameter).toBeInstanceOf(TorchTensor);
  });
});

describe("tensors", () => {
  const valuesOf = (type: TorchDtype, bytes: number[]) => {
    const found = read(tensor("0", [2], { type })) as TorchTensor;
    return tensorNumbers(found, Uint8Array.from(bytes));
  };

  it("of every type", () => {
    expect(valuesOf("FloatStorage", [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0])).toEqual([1, -2]);
    expect(valuesOf("DoubleStorage", [...new Uint8Array(new Float64Array([0.1, -3]).buffer)])).toEqual([0.1, -3]);
    expect(valuesOf("HalfStorage", [0x00, 0x3c, 0x01, 0x80])).toEqual([1, -(2 ** -24)]);
    expect(valuesOf("HalfStorage", [0x00, 0x7c, 0xff, 0x7b])).toEqual([Infinity, 65504]);
    expect(valuesOf("BFloat16Storage", [0x80, 0x3f, 0x49, 0xc0])).toEqual([1, -3.140625]);
    expect(valuesOf("LongStorage", [...new Uint8Array(new BigInt64Array([-5n, 2n ** 40n]).buffer)])).toEqual([
      -5,
      2 ** 40,
    ]);
    expect(valuesOf("IntStorage", [1, 0, 0, 0, 255, 255, 255, 255])).toEqual([1, -1]);
    expect(valuesOf("ShortStorage", [1, 0, 0, 128])).toEqual([1, -32768]);
    expect(valuesOf("CharStorage", [1, 255])).toEqual([1, -1]);
    expect(valuesOf("ByteStorage", [1, 255])).toEqual([1, 255]);
    expect(valuesOf("BoolStorage", [0, 2])).toEqual([0, 1]);
  });

  it("follow offset and strides, and keep every bit of a float", () => {
    const storage = new Float32Array([9, 1, 2, 3, 4, 5, 6]);
    const view = read(tensor("0", [3, 2], { count: 7, offset: 1, strides: [1, 3] })) as TorchTensor;
    expect([...tensorFloats(view, new Uint8Array(storage.buffer))]).toEqual([1, 4, 2, 5, 3, 6]);
    const nan = new Uint8Array([1, 0, 0xa0, 0x7f]);
    const scalar = read(tensor("0", [])) as TorchTensor;
    expect([...new Uint8Array(tensorFloats(scalar, nan).buffer)]).toEqual([...nan]);
    expect(tensorFloats(read(tensor("0", [0, 5], { count: 0 })) as TorchTensor, new Uint8Array(0))).toHaveLength(0);
  });

  it("that were expanded repeat their storage", () => {
    const one = new Uint8Array(Float32Array.of(0.5).buffer);
    const all = read(tensor("0", [2, 3], { count: 1, strides: [0, 0] })) as TorchTensor;
    expect([...tensorFloats(all, one)]).toEqual(Array(6).fill(0.5));
    const rows = read(tensor("0", [2, 2], { count: 2, strides: [0, 1] })) as TorchTensor;
    expect(tensorNumbers(rows, new Uint8Array(Float32Array.of(1, 2).buffer))).toEqual([1, 2, 1, 2]);
  });

  it("of protocol 0 name their storage as text", () => {
    const told = (id: string) => [
      ...global("torch._utils", "_rebuild_tensor_v2"),
      ...tuple([0x50, ...Buffer.from(`${id}\n`)], int(0), tuple(int(2)), tuple(int(1)), [0x89], P.emptyDict),
      ...P.reduce,
    ];
    const storage = { dtype: "FloatStorage", key: "7", count: 2 };
    for (const end of ["", ", None"]) {
      const found = read(told(`('storage', <class 'torch.FloatStorage'>, '7', 'cuda:0', 2${end})`));
      expect(found).toMatchObject({ shape: [2], storage });
    }
    refuses(pickle(told("('storage', <class 'os.system'>, '7', 'cpu', 2)")), /a storage is of no known type$/);
  });

  it("that reach beyond their storage, or have none, are refused", () => {
    refuses(pickle(tensor("0", [2, 3], { count: 5 })), /beyond its storage/);
    refuses(pickle(tensor("0", [2, 3], { count: 1, strides: [0, 1] })), /beyond its storage/);
    refuses(pickle(tensor("0", [2], { count: 2, offset: 1 })), /beyond its storage/);
    refuses(pickle(tensor("0", [2], { count: 2, strides: [2] })), /beyond its storage/);
    // A view that repeats one number 2^60 times would fill the memory.
    refuses(pickle(tensor("0", [2 ** 30, 2 ** 20], { count: 1, strides: [0, 0] })), /too often: save its clone\(\)$/);
    refuses(pickle(tensor("0", [2 ** 30, 2 ** 30], { count: 1, strides: [0, 0] })), /bad shape/);
    // Infinite times nothing is no number, which would pass every limit.
    refuses(pickle(tensor("0", [...Array(40).fill(2 ** 30), 0], { count: 1 })), /bad shape/);
    refuses(pickle(tensor("0", [-1 >>> 0], { count: 1 })), /bad shape|beyond/);
    refuses(pickle(tensor("../../etc/passwd", [1])), /name is no number/);
    refuses(pickle(global("torch._utils", "_rebuild_tensor_v2"), tuple(int(1)), P.reduce), /number of arguments/);
    refuses(pickle(text("storage"), P.persid), /no known type/);
  });
});

const way0 = (callee: number[]) => [...callee, ...P.emptyTuple, ...P.reduce];

describe("hostile pickles", () => {
  const call = (module: string, name: string, ...args: number[][]) => [
    ...global(module, name),
    ...tuple(...args),
    ...P.reduce,
  ];

  it("that name what runs programs are refused, wherever they do", () => {
    for (const [module, name] of [
      ["os", "system"],
      ["posix", "system"],
      ["builtins", "eval"],
      ["__builtin__", "exec"],
      ["subprocess", "Popen"],
      ["torch.hub", "load"],
      ["importlib", "import_module"],
    ]) {
      refuses(pickle(call(module, name, text("touch /tmp/owned"))), new RegExp(`it names '${module}\\.${name}'`));
    }
    // By STACK_GLOBAL, by INST, and hidden deep in the arguments of what is allowed.
    refuses(pickle(text("os"), text("system"), [0x93], tuple(text("id")), P.reduce), /it names 'os\.system'/);
    refuses(pickle([...P.mark, 0x69, ...Buffer.from("os\nsystem\n")]), /it names 'os\.system'/);
    refuses(
      pickle(call("collections", "OrderedDict", list(tuple(text("a"), call("os", "system", text("id")))))),
      /os\.system/,
    );
  });

  it("that call what is no function are refused", () => {
    refuses(pickle(call("builtins", "set"), tuple(int(1)), P.reduce), /calls what is no function/);
    refuses(pickle(text("os.system"), tuple(text("id")), P.reduce), /calls what is no function/);
    refuses(pickle(dict([text("name"), text("x")], [text("call"), text("y")]), tuple(), P.reduce), /no function/);
    refuses(pickle(global("collections", "OrderedDict"), text("x"), P.reduce), /a call has no arguments/);
  });

  it("that name or make anything else hold its name, and nothing is made or called", () => {
    const made = (...parts: number[][]) => read(...parts) as Opaque;
    for (const [module, name] of [
      ["torch", "load"],
      ["models.resnet", "ResNet"],
      ["argparse", "Namespace"],
      ["functools", "partial"],
      ["torch", "__proto__"],
      ["torch", "constructor"],
    ]) {
      expect(made(call(module, name, text("x")))).toMatchObject({ name: `${module}.${name}`, attributes: null });
      expect(made(global(module, name))).toBeInstanceOf(Opaque);
    }
    const namespace = global("argparse", "Namespace");
    const attributes = dict([text("lr"), float(0.1)]);
    // REDUCE, NEWOBJ, NEWOBJ_EX, OBJ and INST, with attributes, items and elements put in.
    const ways = [
      [...namespace, ...P.emptyTuple, ...P.reduce],
      [...namespace, ...P.emptyTuple, 0x81],
      [...namespace, ...P.emptyTuple, ...P.emptyDict, 0x92],
      [...P.mark, ...namespace, ...int(1), 0x6f],
      [...P.mark, 0x69, ...Buffer.from("argparse\nNamespace\n")],
    ];
    for (const way of ways) {
      const found = made(way, attributes, P.build);
      expect(found.name).toBe("argparse.Namespace");
      expect(found.attributes).toEqual(new Map([["lr", 0.1]]));
      const filled = made(way, P.mark, text("a"), int(1), P.setitems, P.mark, int(2), P.appends);
      expect(filled.entries).toEqual(new Map([["a", 1]]));
    }
    const known = read(call("torch", "FloatStorage", int(1)));
    expect(known).toMatchObject({ name: "torch.FloatStorage" });
    const module = made(
      way0(global("m", "Net")),
      dict([text("_modules"), P.emptyDict], [text("_parameters"), P.emptyDict]),
      P.build,
    );
    expect(module.isModule).toBe(true);
    expect(made([0x82, 1]).name).toBe("an extension");
  });

  it("that need what no file of weights has are refused", () => {
    const bad: [number[], RegExp][] = [
      [[0x50, ...Buffer.from("id\n")], /no known type/],
      [[0x97], /NEXT_BUFFER/],
      [[0xff], /0xff/],
    ];
    for (const [bytes, message] of bad) refuses(pickle(bytes), message);
  });

  it("that are cut short or claim huge lengths are refused", () => {
    const whole = pickle(dict([text("weight"), tensor("0", [2, 3])], [text("n"), float(1.5)]));
    for (let length = 0; length < whole.length; length++) refuses(whole.subarray(0, length), /./);
    refuses(Uint8Array.from([...whole, 0x4e]), /goes on after its end/);
    const huge: number[][] = [
      [0x58, 0xff, 0xff, 0xff, 0xff],
      [0x8d, 0, 0, 0, 0, 0, 0, 0, 0x80],
      [0x8d, 255, 255, 255, 255, 255, 255, 255, 255],
      [0x42, 0xff, 0xff, 0xff, 0x7f],
      [0x8e, 0, 0, 0, 0, 1, 0, 0, 0],
      [0x95, 0, 0, 0, 0, 0, 0, 0, 0x80],
      [0x8b, 0xff, 0xff, 0xff, 0x7f],
      [0x8b, 0xd0, 7, 0, 0, ...new Array<number>(2000).fill(1)],
      [0x49, ...new Array<number>(10_000).fill(0x39), 0x0a],
    ];
    for (const bytes of huge) refuses(pickle(bytes), /cut short|length|bytes|number/);
  });

  it("with a broken stack or memo are refused", () => {
    for (const bytes of [
      [],
      [0x30],
      [0x31],
      P.reduce,
      P.build,
      P.appends,
      P.setitems,
      [0x73],
      get(3),
      [0x6a, 255, 255, 255, 255],
      put(0),
      P.mark,
      [...P.mark, 0x85],
      [...int(1), ...int(2)],
      [...int(1), ...P.mark, ...P.appends],
      [...P.emptyDict, ...P.mark, ...int(1), ...P.setitems],
      [...Buffer.from("Iabc\n")],
      [...Buffer.from("F__import__\n")],
      [0x58, 1, 0, 0, 0, 0xff],
      [0x80, 9],
    ]) {
      refuses(pickle(bytes), /./);
    }
  });

  it("that double what they hold again and again stay small", () => {
    // 60 lists, each holding the one before twice: 2^60 leaves, 60 arrays.
    const bomb = Array.from({ length: 60 }, (_, i) => [...list(get(i), get(i)), ...put(i + 1), 0x30]).flat();
    const value = read(P.emptyList, put(0), [0x30], bomb, get(60)) as unknown[];
    expect(value[0]).toBe(value[1]);
  });

  it("at random never do anything but be refused or read", () => {
    const whole = pickle(dict([text("weight"), tensor("0", [2, 3])], [text("n"), list(float(1.5), int(3))]));
    let state = 7;
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % below;
    };
    for (let round = 0; round < 3000; round++) {
      const bytes = whole.slice();
      for (let flips = 1 + random(3); flips > 0; flips--) bytes[random(bytes.length)] = random(256);
      try {
        readTorchPickle(bytes, "x.pt");
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
      }
    }
  });
});
