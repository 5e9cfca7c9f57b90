import { processDevice } from "../engine/device.ts";
import { activationBytes, stateValues } from "../graph/cost.ts";
import { computesAlike } from "../graph/lowering/winograd.ts";
import type { Runtime } from "./runtime.ts";

/** Images of a small batch: fewer cost more for the runtime's own steps than they save (docs/benchmarks.md). */
const SMALL = 16;

/** From so many bytes of an image's activations on a small batch pays: more of what a layer reads is still in the cache. */
const MANY_BYTES = 1e6;

/** Up to so many values of a network: wider ones are bound by what they compute. */
const NARROW = 2 ** 20;

/**
 * Images in a run of inference: at most `most`, and no more than there are. Fewer where a thread is alone with a narrow network of
 * large features, and only where not a bit depends on it.
 */
export function batchSize({ network, pool }: Pick<Runtime, "network" | "pool">, most: number, count: number): number {
  const pays =
    pool.threads === 1 &&
    processDevice() === "cpu" &&
    stateValues(network) <= NARROW &&
    activationBytes(network, 1) >= MANY_BYTES &&
    computesAlike(network, most, SMALL);
  return Math.min(pays ? SMALL : most, most, count);
}
