import { answered } from "./answers.ts";
import type { TextSet } from "./text-set.ts";

/** The class that logits answer with. */
export function classOf(output: Float32Array, { language: { tokenizer } }: TextSet): number {
  return answered(output, tokenizer.answers);
}

/** Whether a text is answered with its class. */
export function passes(output: Float32Array, set: TextSet, i: number): boolean {
  return classOf(output, set) === set.labels[i];
}

/** 1 where it is, else 0. */
export function quality(output: Float32Array, set: TextSet, i: number): number {
  return passes(output, set, i) ? 1 : 0;
}

/** Whether a text is answered with the target. */
export function succeeds(output: Float32Array, set: TextSet, _: number, target: number): boolean {
  return classOf(output, set) === target;
}

/** Ascending places of the texts of other classes. */
export function eligible({ labels }: TextSet, target: number): number[] {
  return Array.from(labels, (label, i) => (label === target ? -1 : i)).filter((i) => i >= 0);
}
