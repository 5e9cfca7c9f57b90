/** Pickle bytes written by hand, so that they may say what no pickler would. */
export const P = {
  proto: [0x80, 2],
  stop: [0x2e],
  mark: [0x28],
  none: [0x4e],
  emptyTuple: [0x29],
  emptyList: [0x5d],
  emptyDict: [0x7d],
  tuple: [0x74],
  appends: [0x65],
  setitems: [0x75],
  reduce: [0x52],
  build: [0x62],
  persid: [0x51],
  tuple1: [0x85],
  tuple2: [0x86],
  tuple3: [0x87],
};

export function text(value: string): number[] {
  const bytes = [...new TextEncoder().encode(value)];
  return [0x58, ...u32(bytes.length), ...bytes];
}

export function int(value: number): number[] {
  return [0x4a, ...u32(value >>> 0)];
}

export function float(value: number): number[] {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return [0x47, ...new Uint8Array(view.buffer)];
}

export function global(module: string, name: string): number[] {
  return [0x63, ...new TextEncoder().encode(`${module}\n${name}\n`)];
}

export function put(index: number): number[] {
  return [0x71, index];
}

export function get(index: number): number[] {
  return [0x68, index];
}

export function tuple(...items: number[][]): number[] {
  return [...P.mark, ...items.flat(), ...P.tuple];
}

export function list(...items: number[][]): number[] {
  return [...P.emptyList, ...P.mark, ...items.flat(), ...P.appends];
}

export function dict(...items: [number[], number[]][]): number[] {
  return [...P.emptyDict, ...P.mark, ...items.flat(2), ...P.setitems];
}

/** `torch._utils._rebuild_tensor_v2` of a storage. */
export function tensor(
  key: string,
  shape: number[],
  { type = "FloatStorage", count = shape.reduce((a, b) => a * b, 1), offset = 0, strides = contiguous(shape) } = {},
): number[] {
  const storage = [...tuple(text("storage"), global("torch", type), text(key), text("cpu"), int(count)), ...P.persid];
  const hooks = [...global("collections", "OrderedDict"), ...P.emptyTuple, ...P.reduce];
  const args = tuple(storage, int(offset), tuple(...shape.map(int)), tuple(...strides.map(int)), [0x89], hooks);
  return [...global("torch._utils", "_rebuild_tensor_v2"), ...args, ...P.reduce];
}

export function pickle(...parts: number[][]): Uint8Array {
  return Uint8Array.from([...P.proto, ...parts.flat(), ...P.stop]);
}

function contiguous(shape: number[]): number[] {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
}

function u32(value: number): number[] {
  return [value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, (value >>> 24) & 0xff];
}
