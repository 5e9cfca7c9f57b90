import { InputError } from "../core/errors.ts";
import { fillSlice, readSlice } from "./slices.ts";
import { cloneState, type StateDict, type Tensor } from "./state.ts";

/** Where two states of one network differ, row by row or column by column. */

/** Tensor key → ascending first-dimension indices: the slices (a channel's filter, its γ, …) that differ. */
export type ChangedRows = Record<string, number[]>;

/** Tensor key → ascending second-dimension indices: what every row reads of some inputs. */
export type Columns = Record<string, number[]>;

/**
 * The rows of each tensor whose bits differ between two states of one network; NaN payloads and the sign of zero
 * count. Tensors without a difference are absent. A scalar is one row.
 *
 * @param except columns in which a row may differ without counting
 * @throws Error where the states are not of the same network.
 */
export function changedRows(base: StateDict, state: StateDict, except: Columns = {}): ChangedRows {
  if ([...base.keys()].join("\n") !== [...state.keys()].join("\n")) throw new Error("delta: the keys differ");
  const changed: ChangedRows = {};
  for (const [key, tensor] of state) {
    const before = base.get(key)!;
    if (before.shape.join() !== tensor.shape.join()) throw new Error(`delta: the shapes of '${key}' differ`);
    const a = bitsOf(before.data);
    const b = bitsOf(tensor.data);
    const { count, size } = rowsOf(tensor);
    const isExcepted = columnTest(tensor, Object.hasOwn(except, key) ? except[key] : []);
    const rows: number[] = [];
    for (let row = 0; row < count; row++) {
      for (let i = row * size; i < (row + 1) * size; i++) {
        if (a[i] === b[i] || isExcepted?.(i - row * size)) continue;
        rows.push(row);
        break;
      }
    }
    if (rows.length > 0) changed[key] = rows;
  }
  return changed;
}

/** Whether a place of a row lies in one of these columns; undefined where there are none. */
function columnTest(tensor: Tensor, columns: readonly number[]): ((place: number) => boolean) | undefined {
  if (columns.length === 0 || tensor.shape.length < 2) return undefined;
  const taps = rowsOf(tensor).size / tensor.shape[1];
  const found = new Uint8Array(tensor.shape[1]);
  for (const column of columns) if (column < found.length) found[column] = 1;
  return (place) => found[Math.floor(place / taps)] === 1;
}

/** Those of some columns whose bits differ between two states of one network. @throws Error where the states lack one */
export function changedColumns(base: StateDict, state: StateDict, columns: Columns): Columns {
  const changed: Columns = {};
  for (const [key, list] of Object.entries(columns)) {
    const differing = list.filter((index) => {
      const [a, b] = [base, state].map((of) => bitsOf(readSlice(of, { key, axis: 1, index })));
      return a.some((bits, i) => bits !== b[i]);
    });
    if (differing.length > 0) changed[key] = differing;
  }
  return changed;
}

/** A copy of a state that has some rows of another. */
export function withRows(base: StateDict, state: StateDict, rows: ChangedRows): StateDict {
  const copy = cloneState(base);
  for (const [key, changed] of Object.entries(rows)) {
    const { data } = state.get(key)!;
    const { size } = rowsOf(state.get(key)!);
    for (const row of changed) copy.get(key)!.data.set(data.subarray(row * size, (row + 1) * size), row * size);
  }
  return copy;
}

/** A copy of a state in which columns are +0. @throws InputError where it lacks one. */
export function withoutColumns(base: StateDict, columns: Columns, name: string): StateDict {
  const state = cloneState(base);
  for (const [key, list] of Object.entries(columns)) {
    const tensor = state.get(key);
    if (!tensor) throw new InputError(`${name}: clears '${key}', which the model does not have`);
    const beyond = list.find((column) => column >= (tensor.shape[1] ?? 0));
    if (beyond !== undefined) throw new InputError(`${name}: column ${beyond} of '${key}' is out of range`);
    for (const index of list) fillSlice(state, { key, axis: 1, index }, 0);
  }
  return state;
}

/** A tensor's slices along the first dimension and the numbers in each. */
export function rowsOf({ shape, data }: Tensor): { count: number; size: number } {
  const count = shape.length === 0 ? 1 : shape[0];
  return { count, size: count === 0 ? 0 : data.length / count };
}

/** The bits of each number. */
export function bitsOf(data: Float32Array): Uint32Array {
  return new Uint32Array(data.buffer, data.byteOffset, data.length);
}
