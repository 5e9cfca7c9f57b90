import { InputError } from "../core/errors.ts";
import type { Grid } from "../core/grid.ts";
import { halvesOf } from "./half-grid.ts";
import { halfToNumber } from "./narrow-floats.ts";
import { floatBytes, floatsOf } from "./safetensors.ts";
import { cloneState, type StateDict, type Tensor } from "./state.ts";

/** Tensor key → ascending first-dimension indices: the slices (a channel's filter, its γ, …) that differ. */
export type ChangedRows = Record<string, number[]>;

/** Tensor key → ascending second-dimension indices: what every row reads of some inputs. */
export type Columns = Record<string, number[]>;

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
}

const FORMATS = ["bdefects4nn-delta-1", "bdefects4nn-delta-2"] as const;
const [WORDS, HALVES] = FORMATS;
const LENGTH_BYTES = 4;

/**
 * The rows of each tensor whose bits differ between two states of one network; NaN payloads and the sign of zero
 * count. Tensors without a difference are absent. A scalar is one row.
 * @throws Error where the states are not of the same network.
 */
export function changedRows(base: StateDict, state: StateDict): ChangedRows {
  if ([...base.keys()].join("\n") !== [...state.keys()].join("\n")) throw new Error("delta: the keys differ");
  const changed: ChangedRows = {};
  for (const [key, tensor] of state) {
    const before = base.get(key)!;
    if (before.shape.join() !== tensor.shape.join()) throw new Error(`delta: the shapes of '${key}' differ`);
    const a = bitsOf(before.data);
    const b = bitsOf(tensor.data);
    const { count, size } = rowsOf(tensor);
    const rows: number[] = [];
    for (let row = 0; row < count; row++) {
      for (let i = row * size; i < (row + 1) * size; i++) {
        if (a[i] === b[i]) continue;
        rows.push(row);
        break;
      }
    }
    if (rows.length > 0) changed[key] = rows;
  }
  return changed;
}

/**
 * The delta that turns `base` into `state`: u32 header length, JSON header padded to 4 bytes, the changed rows'
 * bytes in order. Its size is proportional to the changed rows; compressing it is the store's work.
 */
export function encodeDelta(
  base: StateDict,
  baseSha256: string,
  state: StateDict,
  mode: DeltaMode,
  { grid, cleared }: DeltaOptions = {},
): Uint8Array {
  const from = cleared ? withoutColumns(base, cleared, "delta") : base;
  const rows = changedRows(from, state);
  const format = grid ? HALVES : WORDS;
  const header: DeltaHeader = { format, base: baseSha256, mode, ...(cleared && { cleared }), rows };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = Math.ceil(text.length / 4) * 4;
  const size = valueBytes(format);
  let total = LENGTH_BYTES + headerBytes;
  for (const [key, changed] of Object.entries(rows)) total += changed.length * rowsOf(state.get(key)!).size * size;

  const delta = new Uint8Array(total);
  new DataView(delta.buffer).setUint32(0, headerBytes, true);
  delta.set(text, LENGTH_BYTES);
  delta.fill(0x20, LENGTH_BYTES + text.length, LENGTH_BYTES + headerBytes);
  let at = LENGTH_BYTES + headerBytes;
  for (const [key, changed] of Object.entries(rows)) {
    const { size: values } = rowsOf(state.get(key)!);
    for (const row of changed) {
      const [after, before] = [state, from].map((of) => {
        const bytes = writtenValues(of.get(key)!.data.subarray(row * values, (row + 1) * values), format);
        if (!bytes) throw new Error(`delta: '${key}' is off the grid of half precision`);
        return bytes;
      });
      if (mode === "plain") delta.set(after, at);
      else for (let i = 0; i < after.length; i++) delta[at + i] = after[i] ^ before[i];
      at += after.length;
    }
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
  for (const [key, rows] of Object.entries(header.rows)) {
    const tensor = state.get(key);
    if (!tensor) throw new InputError(`${name}: changes '${key}', which the model does not have`);
    const { count, size } = rowsOf(tensor);
    const rowBytes = size * valueBytes(header.format);
    for (const row of rows) {
      if (row >= count || at + rowBytes > delta.length)
        throw new InputError(`${name}: row ${row} of '${key}' is out of range`);
      const values = tensor.data.subarray(row * size, (row + 1) * size);
      // A copy: the bytes of the delta are the caller's.
      const written = new Uint8Array(delta.subarray(at, at + rowBytes));
      if (header.mode === "xor") {
        const before = writtenValues(values, header.format);
        if (!before) throw new InputError(`${name}: row ${row} of '${key}' is off its base's grid of half precision`);
        for (let i = 0; i < rowBytes; i++) written[i] ^= before[i];
      }
      readValues(written, header.format, values);
      at += rowBytes;
    }
  }
  if (at !== delta.length) throw new InputError(`${name}: ${delta.length - at} bytes belong to no row`);
  return state;
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
  const columns = header?.cleared === undefined ? [] : listsOf(header.cleared);
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

/** A copy of a state in which columns are +0. @throws InputError where it lacks one. */
function withoutColumns(base: StateDict, columns: Columns, name: string): StateDict {
  const state = cloneState(base);
  for (const [key, list] of Object.entries(columns)) {
    const tensor = state.get(key);
    if (!tensor) throw new InputError(`${name}: clears '${key}', which the model does not have`);
    const { count, size } = rowsOf(tensor);
    const width = tensor.shape[1] ?? 0;
    const beyond = list.find((column) => column >= width);
    if (beyond !== undefined) throw new InputError(`${name}: column ${beyond} of '${key}' is out of range`);
    const taps = size / width;
    for (let row = 0; row < count; row++) {
      for (const column of list) tensor.data.fill(0, row * size + column * taps, row * size + (column + 1) * taps);
    }
  }
  return state;
}

/** A tensor's slices along the first dimension and the numbers in each. */
function rowsOf({ shape, data }: Tensor): { count: number; size: number } {
  const count = shape.length === 0 ? 1 : shape[0];
  return { count, size: count === 0 ? 0 : data.length / count };
}

function bitsOf(data: Float32Array): Uint32Array {
  return new Uint32Array(data.buffer, data.byteOffset, data.length);
}
