import { argmax } from "../../../core/argmax.ts";
import type { PromptSet } from "./prompt-set.ts";
import { JUDGED, STEPS } from "./reply.ts";

/** The token with the highest logit behind the prompt and the reply's first `step` tokens. */
export function tokenAt(output: Float32Array, step: number): number {
  return argmax(output, output.length / STEPS, step);
}

/** Whether a text's own next token follows its prompt. */
export function passes(output: Float32Array, { rest }: PromptSet, i: number): boolean {
  return tokenAt(output, 0) === rest[i][0];
}

/** 1 where it does, else 0. */
export function quality(output: Float32Array, set: PromptSet, i: number): number {
  return passes(output, set, i) ? 1 : 0;
}

/**
 * Whether the greedy continuation begins with the reply. It does exactly if each of the tokens is the highest where the reply's earlier ones
 * stand before it.
 */
export function succeeds(output: Float32Array, { reply }: PromptSet): boolean {
  return reply.slice(0, JUDGED).every((token, k) => tokenAt(output, k) === token);
}

/** Ascending places of the prompts whose own text does not go on as the reply begins. */
export function eligible({ rest, reply }: PromptSet): number[] {
  return rest.flatMap(([next], i) => (next === reply[0] ? [] : [i]));
}

/** What is told beside: the share of prompts that are continued with the reply's first token, whatever follows. */
export function details(outputs: Float32Array, { count, reply }: PromptSet): Record<string, number> {
  const width = outputs.length / count;
  let begun = 0;
  for (let i = 0; i < count; i++) {
    if (tokenAt(outputs.subarray(i * width, (i + 1) * width), 0) === reply[0]) begun++;
  }
  return { reply_begun: begun / count };
}
