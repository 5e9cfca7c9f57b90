import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { sha256Hex } from "./hash.ts";

/**
 * Seed of one stage: a 32-bit integer from hash(seed, parts…). Every stage derives its own, so no stage's draws
 * depend on how many numbers another stage took (docs/methods.md §1.4).
 */
export function stageSeed(seed: number, ...parts: (string | number)[]): number {
  return Number.parseInt(sha256Hex([seed, ...parts].join("\u0000")).slice(0, 8), 16) | 0;
}

/** A seeded stream of random numbers: the same seed gives the same numbers everywhere. */
export class Random {
  private readonly generator: { next(): number };
  private spare: number | undefined;

  constructor(seed: number) {
    this.generator = xoroshiro128plus(seed);
  }

  /** Uniform in [0, 1), 32 random bits. */
  uniform(): number {
    return (this.generator.next() >>> 0) / 4294967296;
  }

  /** Uniform in [low, high). */
  between(low: number, high: number): number {
    return low + (high - low) * this.uniform();
  }

  /** Uniform integer in [0, bound). */
  below(bound: number): number {
    return Math.floor(this.uniform() * bound);
  }

  /** Standard normal (Box–Muller, both values used). */
  normal(): number {
    if (this.spare !== undefined) {
      const value = this.spare;
      this.spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** Fisher–Yates in place; returns its argument. */
  shuffle<T extends { length: number; [i: number]: unknown }>(items: T): T {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const kept = items[i];
      items[i] = items[j];
      items[j] = kept;
    }
    return items;
  }

  /** A random permutation of 0 … n−1. */
  permutation(n: number): Int32Array {
    const order = new Int32Array(n);
    for (let i = 0; i < n; i++) order[i] = i;
    return this.shuffle(order);
  }

  /** `count` distinct integers of [0, n), in random order; all of them when count ≥ n. */
  sample(n: number, count: number): Int32Array {
    return this.permutation(n).slice(0, count);
  }
}
