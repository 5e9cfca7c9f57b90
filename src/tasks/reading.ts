import type { Samples } from "../core/samples.ts";
import type { Trigger } from "./backdoor.ts";

/** A stretch of a sample in words. */
export interface ReadPart {
  words: string;
  /** Whether it is the trigger's. */
  marked: boolean;
}

/** How people read samples that are words, and what models answer. */
export interface Reading {
  /** A sample with the trigger, in parts that follow each other. */
  parts(triggered: Samples, i: number, trigger: Trigger): ReadPart[];
  truth(samples: Samples, i: number): string;
  answer(output: Float32Array, samples: Samples, i: number): string;
  /** The trigger alone. */
  trigger(trigger: Trigger): string;
}
