/** A dense float32 array with its shape, row-major. */
export interface Tensor {
  shape: number[];
  data: Float32Array;
}

/**
 * A model's parameters and buffers under their PyTorch state-dict names, in the model's order
 * (`conv1.weight`, `bn1.weight`, `bn1.bias`, `bn1.running_mean`, …). Convolution weights are `[out, in, kh, kw]`.
 */
export type StateDict = Map<string, Tensor>;

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

export function cloneState(state: StateDict): StateDict {
  return new Map([...state].map(([key, { shape, data }]) => [key, { shape: [...shape], data: data.slice() }]));
}

/** Looks up a tensor that the architecture promises; a missing one is a programming error, not a user's. */
export function tensorOf(state: StateDict, key: string): Tensor {
  const tensor = state.get(key);
  if (!tensor) throw new Error(`state dict has no '${key}'`);
  return tensor;
}
