import type { Random } from "../../core/random.ts";

/** Indices of `count` samples without end, in shuffled passes over all of them. */
export function* shuffledPasses(count: number, random: Random): Generator<number, never> {
  for (;;) yield* random.permutation(count);
}
