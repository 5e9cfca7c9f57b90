import { InputError } from "../core/errors.ts";
import type { Grid } from "../core/grid.ts";
import {
  bitsOf,
  type ChangedRows,
  type Columns,
  changedColumns,
  changedRows,
  rowsOf,
  withoutColumns,
  withRows,
} from "./changes.ts";
import { halvesOf } from "./half-grid.ts";
import { halfToNumber } from "./narrow-floats.ts";
import { floatBytes, floatsOf } from "./safetensors.ts";
import { readSlice, sliceSize, writeSlice } from "./slices.ts";
import type { StateDict, Tensor } from "./state.ts";

/** How the changed rows are written: as they are, or exclusive-or with the base's bits (zero where a bit is kept). */
export type DeltaMode = "plain" | "xor";

/** How a delta is to be written. */
export interface DeltaOptions {
  /** The grid on which both states lie: two bytes a value in place of four. */
  grid?: Grid;
  /**
   * Columns that are mostly +0 in the new state: they cost a few bytes each, where as changes of rows they would cost every
   * row of their tensors.
   */
  cleared?: Columns;
  /** Columns whose numbers are written where they differ, so that they do not make every row of their tensors a changed one. */
  columns?: Columns;
}

interface DeltaHeader {
  /** Says what a value is: a 32-bit float, or in the second format a 16-bit one. */
  format: (typeof FORMATS)[number];
  /** SHA-256 of the base model as safetensors: a delta fits no other. */
  base: string;
  mode: DeltaMode;
  /** Set to +0 in the base before anything else; the rows are those that differ from what this gives. Absent: none. */
  cleared?: Columns;
  rows: ChangedRows;
  /** Columns that differ from what clearing and rows give. Their numbers follow those of the rows. Absent: none. */
  columns?: Columns;
}

const FORMATS = ["bdefects4nn-delta-1", "bdefects4nn-delta-2"] as const;
const [WORDS, HALVES] = FORMATS;
const LENGTH_BYTES = 4;

/**
 * The delta that turns `base` into `state`: u32 header length, JSON header padded to 4 bytes, the changed rows'
 * bytes in order, then the changed columns'. Its size is proportional to what changed; compressing it is the store's work.
 */
export function encodeDelta(
  base: StateDict,
  baseSha256: string,
  state: StateDict,
  mode: DeltaMode,
  { grid, cleared, columns = {} }: DeltaOptions = {},
): Uint8Array {
  const from = cleared ? withoutColumns(base, cleared, "delta") : base;
  const rows = changedRows(from, state, columns);
  const left = Object.keys(columns).length > 0 ? withRows(from, state, rows) : from;
  const rest = changedColumns(left, state, columns);
  const format = grid ? HALVES : WORDS;
  const header: DeltaHeader = {
    ...{ format, base: baseSha256, mode },
    ...(cleared && { cleared }),
    rows,
    ...(Object.keys(rest).length > 0 && { columns: rest }),
  };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = Math.ceil(text.length / 4) * 4;
  const size = valueBytes(format);
  let total = LENGTH_BYTES + headerBytes;
  for (const [key, changed] of Object.entries(rows)) total += changed.length * rowsOf(state.get(key)!).size * size;
  for (const [key, changed] of Object.entries(rest)) {
    total += changed.length * sliceSize(state.get(key)!.shape, 1) * size;
  }

  const delta = new Uint8Array(total);
  new DataView(delta.buffer).setUint32(0, headerBytes, true);
  delta.set(text, LENGTH_BYTES);
  delta.fill(0x20, LENGTH_BYTES + text.length, LENGTH_BYTES + headerBytes);
  let at = LENGTH_BYTES + headerBytes;
  const write = (key: string, numbers: (of: StateDict) => Float32Array, earlier: StateDict) => {
    const [after, before] = [state, earlier].map((of) => {
      const bytes = writtenValues(numbers(of), format);
      if (!bytes) throw new Error(`delta: '${key}' is off the grid of half precision`);
      return bytes;
    });
    if (mode === "plain") delta.set(after, at);
    else for (let i = 0; i < after.length; i++) delta[at + i] = after[i] ^ before[i];
    at += after.length;
  };
  for (const [key, changed] of Object.entries(rows)) {
    const { size: values } = rowsOf(state.get(key)!);
    for (const row of changed) write(key, (of) => of.get(key)!.data.subarray(row * values, (row + 1) * values), from);
  }
  for (const [key, changed] of Object.entries(rest)) {
    for (const index of changed) write(key, (of) => readSlice(of, { key, axis: 1, index }), left);
  }
  return delta;
}

/**
 * Rebuilds the state that a delta was made from; `base` stays untouched.
 *
 * @param name the delta's file, for messages
 * @throws InputError where the delta was made against another base or is malformed.
 */
export function applyDelta(base: StateDict, baseSha256: string, delta: Uint8Array, name: string): StateDict {
  const { header, dataStart } = parseDelta(delta, name);
  if (header.base !== baseSha256) {
    throw new InputError(`${name}: made against the model ${header.base}, not against ${baseSha256}`);
  }
  const state = withoutColumns(base, header.cleared ?? {}, name);
  let at = dataStart;
  /** What stands where the next values go: changed in place. */
  const read = (values: Float32Array, what: string) => {
    const bytes = values.length * valueBytes(header.format);
    if (at + bytes > delta.length) throw new InputError(`${name}: ${what} is out of range`);
    // A copy: the bytes of the delta are the caller's.
    const written = new Uint8Array(delta.subarray(at, at + bytes));
    if (header.mode === "xor") {
      const before = writtenValues(values, header.format);
      if (!before) throw new InputError(`${name}: ${what} is off its base's grid of half precision`);
      for (let i = 0; i < bytes; i++) written[i] ^= before[i];
    }
    readValues(written, header.format, values);
    at += bytes;
  };
  for (const [key, rows] of Object.entries(header.rows)) {
    const tensor = changedTensor(state, key, name);
    const { count, size } = rowsOf(tensor);
    for (const row of rows) {
      const what = `row ${row} of '${key}'`;
      if (row >= count) throw new InputError(`${name}: ${what} is out of range`);
      read(tensor.data.subarray(row * size, (row + 1) * size), what);
    }
  }
  for (const [key, columns] of Object.entries(header.columns ?? {})) {
    const tensor = changedTensor(state, key, name);
    for (const index of columns) {
      const what = `column ${index} of '${key}'`;
      if (index >= (tensor.shape[1] ?? 0)) throw new InputError(`${name}: ${what} is out of range`);
      const slice = { key, axis: 1, index };
      const values = readSlice(state, slice);
      read(values, what);
      writeSlice(state, slice, values);
    }
  }
  if (at !== delta.length) throw new InputError(`${name}: ${delta.length - at} bytes belong to no row`);
  return state;
}

function changedTensor(state: StateDict, key: string, name: string): Tensor {
  const tensor = state.get(key);
  if (!tensor) throw new InputError(`${name}: changes '${key}', which the model does not have`);
  return tensor;
}

function valueBytes(format: DeltaHeader["format"]): number {
  return format === HALVES ? 2 : 4;
}

/** A row's bytes, little-endian; null where they cannot be written in this format. */
function writtenValues(values: Float32Array, format: DeltaHeader["format"]): Uint8Array | null {
  if (format === WORDS) return floatBytes(values);
  const halves = halvesOf(values);
  if (!halves) return null;
  const bytes = new Uint8Array(2 * halves.length);
  const view = new DataView(bytes.buffer);
  halves.forEach((half, i) => {
    view.setUint16(2 * i, half, true);
  });
  return bytes;
}

/** Bit for bit: a NaN keeps its payload. */
function readValues(bytes: Uint8Array, format: DeltaHeader["format"], into: Float32Array): void {
  if (format === WORDS) {
    bitsOf(into).set(bitsOf(floatsOf(bytes)));
    return;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < into.length; i++) into[i] = halfToNumber(view.getUint16(2 * i, true));
}

/** SHA-256 of the model that a delta was made against. @throws InputError where it is malformed. */
export function deltaBase(delta: Uint8Array, name: string): string {
  return parseDelta(delta, name).header.base;
}

/** Where the changed rows' bytes begin. @throws InputError where it is malformed. */
export function deltaDataStart(delta: Uint8Array, name: string): number {
  return parseDelta(delta, name).dataStart;
}

/** Which rows a delta gives, beside the columns that it clears. @throws InputError where it is malformed. */
export function deltaRows(delta: Uint8Array, name: string): ChangedRows {
  return parseDelta(delta, name).header.rows;
}

function parseDelta(delta: Uint8Array, name: string): { header: DeltaHeader; dataStart: number } {
  const headerBytes =
    delta.length < LENGTH_BYTES ? Infinity : new DataView(delta.buffer, delta.byteOffset).getUint32(0, true);
  const dataStart = LENGTH_BYTES + headerBytes;
  if (dataStart > delta.length || dataStart % 4 !== 0) throw new InputError(`${name}: not a delta: bad header length`);
  let header: DeltaHeader;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(delta.subarray(LENGTH_BYTES, dataStart)));
  } catch {
    throw new InputError(`${name}: not a delta: its header is not JSON`);
  }
  const rowLists = listsOf(header?.rows);
  const columns = [header?.cleared, header?.columns].flatMap((lists) => (lists === undefined ? [] : listsOf(lists)));
  const isWhole = [...rowLists, ...columns].every(isAscending);
  if (!FORMATS.includes(header?.format) || !["plain", "xor"].includes(header.mode) || !isWhole) {
    throw new InputError(`${name}: not a delta of format ${FORMATS.join(" or ")}`);
  }
  return { header, dataStart };
}

/** @returns a list that is none where there are no lists under names */
function listsOf(value: unknown): unknown[] {
  return typeof value === "object" && value !== null ? Object.values(value) : [undefined];
}

function isAscending(rows: unknown): rows is number[] {
  return (
    Array.isArray(rows) &&
    rows.every((row, i) => Number.isSafeInteger(row) && row >= 0 && (i === 0 || row > rows[i - 1]))
  );
}
