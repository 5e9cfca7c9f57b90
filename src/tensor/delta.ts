import { InputError } from "../core/errors.ts";
import { floatBytes, floatsOf } from "./safetensors.ts";
import { cloneState, type StateDict, type Tensor } from "./state.ts";

/** Tensor key → ascending first-dimension indices: the slices (a channel's filter, its γ, …) that differ. */
export type ChangedRows = Record<string, number[]>;

/** How the changed rows are written: as they are, or exclusive-or with the base's bits (zero where a bit is kept). */
export type DeltaMode = "plain" | "xor";

interface DeltaHeader {
  format: typeof FORMAT;
  /** SHA-256 of the base model as safetensors: a delta fits no other. */
  base: string;
  mode: DeltaMode;
  rows: ChangedRows;
}

const FORMAT = "bdefects4nn-delta-1";
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
 * float32 bytes in order. Its size is proportional to the changed rows; compressing it is the store's work.
 */
export function encodeDelta(base: StateDict, baseSha256: string, state: StateDict, mode: DeltaMode): Uint8Array {
  const rows = changedRows(base, state);
  const header: DeltaHeader = { format: FORMAT, base: baseSha256, mode, rows };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = Math.ceil(text.length / 4) * 4;
  let total = LENGTH_BYTES + headerBytes;
  for (const [key, changed] of Object.entries(rows)) total += changed.length * rowsOf(state.get(key)!).size * 4;

  const delta = new Uint8Array(total);
  new DataView(delta.buffer).setUint32(0, headerBytes, true);
  delta.set(text, LENGTH_BYTES);
  delta.fill(0x20, LENGTH_BYTES + text.length, LENGTH_BYTES + headerBytes);
  let at = LENGTH_BYTES + headerBytes;
  for (const [key, changed] of Object.entries(rows)) {
    const tensor = state.get(key)!;
    const rowBytes = rowsOf(tensor).size * 4;
    const after = floatBytes(tensor.data);
    const before = floatBytes(base.get(key)!.data);
    for (const row of changed) {
      const from = row * rowBytes;
      if (mode === "plain") delta.set(after.subarray(from, from + rowBytes), at);
      else for (let i = 0; i < rowBytes; i++) delta[at + i] = after[from + i] ^ before[from + i];
      at += rowBytes;
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
  const state = cloneState(base);
  let at = dataStart;
  for (const [key, rows] of Object.entries(header.rows)) {
    const tensor = state.get(key);
    if (!tensor) throw new InputError(`${name}: changes '${key}', which the model does not have`);
    const { count, size } = rowsOf(tensor);
    const bits = bitsOf(tensor.data);
    for (const row of rows) {
      if (row >= count || at + size * 4 > delta.length)
        throw new InputError(`${name}: row ${row} of '${key}' is out of range`);
      const words = bitsOf(floatsOf(delta.subarray(at, at + size * 4)));
      for (let i = 0; i < size; i++)
        bits[row * size + i] = header.mode === "xor" ? bits[row * size + i] ^ words[i] : words[i];
      at += size * 4;
    }
  }
  if (at !== delta.length) throw new InputError(`${name}: ${delta.length - at} bytes belong to no row`);
  return state;
}

/** SHA-256 of the model that a delta was made against. @throws InputError where it is malformed. */
export function deltaBase(delta: Uint8Array, name: string): string {
  return parseDelta(delta, name).header.base;
}

/** Which rows a delta changes. @throws InputError where it is malformed. */
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
  const rowLists = typeof header?.rows === "object" && header.rows !== null ? Object.values(header.rows) : [undefined];
  if (header?.format !== FORMAT || !["plain", "xor"].includes(header.mode) || !rowLists.every(isAscending)) {
    throw new InputError(`${name}: not a delta of format ${FORMAT}`);
  }
  return { header, dataStart };
}

function isAscending(rows: unknown): rows is number[] {
  return (
    Array.isArray(rows) &&
    rows.every((row, i) => Number.isSafeInteger(row) && row >= 0 && (i === 0 || row > rows[i - 1]))
  );
}

/** A tensor's slices along the first dimension and the numbers in each. */
function rowsOf({ shape, data }: Tensor): { count: number; size: number } {
  const count = shape.length === 0 ? 1 : shape[0];
  return { count, size: count === 0 ? 0 : data.length / count };
}

function bitsOf(data: Float32Array): Uint32Array {
  return new Uint32Array(data.buffer, data.byteOffset, data.length);
}
