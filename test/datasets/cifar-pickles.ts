import { dict, global, int, list, P, pickle, text, tuple } from "../tensor/pickle-bytes.ts";

/** How a batch of CIFAR's python version was written. */
export interface PickleStyle {
  /** Python 2 as published, or Python 3 in protocol 2 as tools write it again. */
  python: 2 | 3;
  /** Python 3: keys that are bytes. */
  byteKeys?: boolean;
  /** The array in Fortran's order. */
  fortran?: boolean;
}

/** A batch: `data` of a shape, uint8 row-major, and lists of labels by key. */
export function cifarPickle(
  data: Uint8Array,
  shape: number[],
  labels: Record<string, number[]>,
  style: PickleStyle,
): Uint8Array {
  const key = (name: string) =>
    style.python === 2 ? shortString(name) : style.byteKeys ? bytes3(Buffer.from(name)) : text(name);
  return pickle(
    dict(
      [key("batch_label"), key("testing batch 1 of 1")],
      ...Object.entries(labels).map(([name, values]): [number[], number[]] => [key(name), list(...values.map(int))]),
      [key("data"), array(data, shape, style)],
      [key("filenames"), list(key("a.png"), key("b.png"))],
    ),
  );
}

/** `batches.meta` or `meta`. */
export function namesPickle(key: string, names: readonly string[]): Uint8Array {
  return pickle(dict([shortString(key), list(...names.map(shortString))]));
}

/** A NumPy array of unsigned bytes, or of another type. */
export function array(
  data: Uint8Array,
  shape: number[],
  { python, fortran = false }: PickleStyle,
  type = "u1",
): number[] {
  const name = python === 2 ? shortString : text;
  const bytes = python === 2 ? binaryString : bytes3;
  const dtype = [
    ...[...global("numpy", "dtype"), ...tuple(name(type), int(0), int(1)), ...P.reduce],
    ...[...tuple(int(3), name("|"), P.none, P.none, P.none, int(-1), int(-1), int(0)), ...P.build],
  ];
  const stored = fortran ? columnMajor(data, shape) : data;
  return [
    ...global("numpy.core.multiarray", "_reconstruct"),
    ...[...tuple(global("numpy", "ndarray"), tuple(int(0)), bytes(Buffer.from("b"))), ...P.reduce],
    ...tuple(int(1), tuple(...shape.map(int)), dtype, [fortran ? 0x88 : 0x89], bytes(stored)),
    ...P.build,
  ];
}

function columnMajor(data: Uint8Array, [rows, columns]: number[]): Uint8Array {
  return data.map((_, k) => data[(k % rows) * columns + Math.floor(k / rows)]);
}

/** Python 2's `str`. */
function shortString(value: string): number[] {
  return [0x55, value.length, ...Buffer.from(value, "latin1")];
}

function binaryString(bytes: Uint8Array): number[] {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return [0x54, ...length, ...bytes];
}

/** Python 3's bytes in protocol 2: `_codecs.encode(text, "latin1")`. */
function bytes3(bytes: Uint8Array): number[] {
  const latin = text(Buffer.from(bytes).toString("latin1"));
  return [...global("_codecs", "encode"), ...tuple(latin, text("latin1")), ...P.reduce];
}
