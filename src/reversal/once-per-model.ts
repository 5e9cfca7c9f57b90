import { sha256Hex } from "../core/hash.ts";
import type { Samples } from "../core/samples.ts";
import { type SharedWork, takeOver } from "../core/stopwatch.ts";
import { encodeState } from "../tensor/safetensors.ts";
import type { ReversedModel } from "./subject.ts";

/** What was found last with a set of samples, by what was asked. */
const found = new WeakMap<Samples, Map<string, Kept>>();

interface Kept {
  key: string;
  result: Promise<unknown>;
  work: SharedWork;
}

/**
 * Does work on a model once for all who ask for it with the same weights, samples and seed: criteria and repairs that come one
 * after another share what they all begin with, and each counts its seconds. The last model's result is kept. It must not be changed.
 *
 * @param what tells one kind of work from another
 */
export function oncePerModel<T>(
  { network, state, normalization, clean, seed, budget }: ReversedModel,
  what: string,
  work: () => Promise<T>,
): Promise<T> {
  const facts = [network.arch, network.classes, JSON.stringify(normalization), seed, budget];
  const key = [...facts, sha256Hex(encodeState(state))].join();
  const kept = found.get(clean.fit) ?? new Map<string, Kept>();
  found.set(clean.fit, kept);
  const last = kept.get(what);
  if (last?.key === key) {
    takeOver(last.work);
    return last.result as Promise<T>;
  }
  const began = performance.now();
  const result = work();
  const own: Kept = { key, result, work: { done: 0, seconds: 0 } };
  kept.set(what, own);
  result.then(
    () => {
      own.work.done = performance.now();
      own.work.seconds = (own.work.done - began) / 1000;
    },
    // What failed is tried again by the next one who asks; this one is told by the promise itself.
    () => {
      if (kept.get(what) === own) kept.delete(what);
    },
  );
  return result;
}
