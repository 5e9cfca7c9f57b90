import { type StateDict, type Tensor, tensorOf } from "./state.ts";

/** One row (axis 0) or column (axis 1) of one tensor: all of its numbers with this index along the axis. */
export interface Slice {
  key: string;
  axis: number;
  index: number;
}

/** Numbers in each slice of a shape along an axis. */
export function sliceSize(shape: readonly number[], axis: number): number {
  return shape.reduce((product, n, i) => (i === axis ? product : product * n), 1);
}

/** A copy of a slice's numbers, in the tensor's order. @throws Error where the state has no such slice */
export function readSlice(state: StateDict, slice: Slice): Float32Array {
  const tensor = tensorOf(state, slice.key);
  const values = new Float32Array(sliceSize(tensor.shape, slice.axis));
  let filled = 0;
  for (const part of partsOf(tensor, slice)) {
    values.set(part, filled);
    filled += part.length;
  }
  return values;
}

/** Writes numbers in the tensor's order into a slice. @throws Error where the state has no such slice */
export function writeSlice(state: StateDict, slice: Slice, values: Float32Array): void {
  let written = 0;
  for (const part of partsOf(tensorOf(state, slice.key), slice)) {
    part.set(values.subarray(written, written + part.length));
    written += part.length;
  }
}

export function fillSlice(state: StateDict, slice: Slice, value: number): void {
  for (const part of partsOf(tensorOf(state, slice.key), slice)) part.fill(value);
}

/** The stretches of a tensor's data that a slice consists of. */
function* partsOf({ shape, data }: Tensor, { key, axis, index }: Slice): Generator<Float32Array> {
  if (!(index >= 0 && index < (shape[axis] ?? 0))) throw new Error(`'${key}' has no index ${index} along axis ${axis}`);
  const inner = shape.slice(axis + 1).reduce((product, n) => product * n, 1);
  const step = shape[axis] * inner;
  for (let start = index * inner; start < data.length; start += step) yield data.subarray(start, start + inner);
}
