import { sizeOf } from "../../tensor/state.ts";
import type { Lowering } from "../lowering/lowering.ts";

/** Name of the scalar input of a training step. */
export const LEARNING_RATE = "learning_rate";
export const velocityOf = (key: string) => `${key}#velocity`;
export const updatedOf = (key: string) => `${key}#updated`;

export interface SgdOptions {
  momentum: number;
  nesterov: boolean;
  weightDecay: number;
  /** Values in a bucket at most; no value depends on it. */
  bucketValues?: number;
}

/** Parameters that are fed, updated and given back as one vector, one after the other. */
export interface Bucket {
  /** Graph input; a bucket of one parameter has its name. */
  name: string;
  size: number;
  parts: { key: string; start: number; size: number }[];
}

/**
 * Values in a bucket of the blocked lowering; the plain graph stays plain, and WebGPU's kernels have too few buffers to split a
 * vector into so many parts. A network of many small parameters would spend a tenth of a step on operators that are too small to
 * be shared among threads; the gradients of large ones would only be copied together.
 */
const MOST_VALUES = 1 << 20;

/**
 * Emits the update `v ← μ·v + (g + λ·w)`, `w ← w − lr·(v or g + μ·v)` as in PyTorch, bucket by bucket, and declares the
 * parameters that it updates.
 *
 * @param gradients by parameter, in the order of the parameters
 */
export function emitSgd(
  { graph, kind }: Lowering,
  parameters: ReadonlyMap<string, number[]>,
  gradients: ReadonlyMap<string, string>,
  { momentum, nesterov, weightDecay, bucketValues = kind === "blocked" ? MOST_VALUES : 0 }: SgdOptions,
): Bucket[] {
  const trained = [...parameters].filter(([key]) => gradients.has(key));
  const buckets = bucketsOf(trained, bucketValues);
  const rate = graph.input(LEARNING_RATE, []);
  const scaled = (value: string, factor: number) => graph.op("Mul", [value, graph.scalar(factor)]);
  for (const { name, size, parts } of buckets) {
    const alone = parts.length === 1;
    const shape = alone ? parameters.get(name)! : [size];
    const weights = graph.input(name, shape);
    if (!alone) {
      graph.first(() => {
        const sizes = graph.integers(parts.map((part) => part.size));
        const pieces = graph.ops("Split", [weights, sizes], parts.length, { axis: 0 });
        for (const [i, { key }] of parts.entries()) graph.named(key, graph.reshape(pieces[i], parameters.get(key)!));
      });
    }
    const flat = (key: string, values: number) => graph.reshape(gradients.get(key)!, [values]);
    let gradient = alone
      ? gradients.get(name)!
      : graph.op(
          "Concat",
          parts.map((part) => flat(part.key, part.size)),
          { axis: 0 },
        );
    if (weightDecay !== 0) gradient = graph.op("Add", [gradient, scaled(weights, weightDecay)]);
    const previous = graph.input(velocityOf(name), shape);
    const velocity = graph.op("Add", [scaled(previous, momentum), gradient]);
    const step = nesterov ? graph.op("Add", [gradient, scaled(velocity, momentum)]) : velocity;
    graph.output(velocityOf(name), velocity, shape);
    graph.output(updatedOf(name), graph.op("Sub", [weights, graph.op("Mul", [step, rate])]), shape);
  }
  return buckets;
}

function bucketsOf(parameters: [key: string, shape: number[]][], most: number): Bucket[] {
  const buckets: Bucket[] = [];
  for (const [key, shape] of parameters) {
    const size = sizeOf(shape);
    let bucket = buckets.at(-1);
    if (!bucket || bucket.size + size > most) {
      bucket = { name: key, size: 0, parts: [] };
      buckets.push(bucket);
    }
    if (bucket.parts.length === 1) bucket.name = `${bucket.name} and after`;
    bucket.parts.push({ key, start: bucket.size, size });
    bucket.size += size;
  }
  return buckets;
}
