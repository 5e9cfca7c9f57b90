import type { Samples } from "../core/samples.ts";
import type { Normalization } from "../images/image-set.ts";
import type { Task } from "../tasks/task.ts";

/** How samples become what a network reads. */
export interface Encoding {
  readonly task: Pick<Task, "inputs">;
  readonly normalization: Normalization;
}

/** Samples of one inference batch; a program's batch is of fixed size, so the last one may be part empty. */
export interface Slice {
  /** Index of the first sample. */
  start: number;
  /** How many samples are real; the rest of the batch repeats stale data and is to be ignored. */
  count: number;
  /** `[batch, …]`, encoded; reused by the next slice. */
  inputs: Float32Array;
}

/** Cuts a set into encoded batches. */
export function* slices({ task, normalization }: Encoding, samples: Samples, batch: number): Generator<Slice> {
  const encoder = task.inputs.encoder(samples, normalization);
  const inputs = new Float32Array(batch * encoder.size);
  for (let start = 0; start < samples.count; start += batch) {
    const count = Math.min(batch, samples.count - start);
    for (let i = 0; i < count; i++) encoder.write(samples, start + i, inputs, i * encoder.size);
    yield { start, count, inputs };
  }
}

/** All samples of a set, encoded `[count, …]`. */
export function encodeAll(encoding: Encoding, samples: Samples): Float32Array {
  const [slice] = slices(encoding, samples, samples.count);
  return slice.inputs;
}
