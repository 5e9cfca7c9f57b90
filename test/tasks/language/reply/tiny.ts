import type { Network } from "../../../../src/graph/network.ts";
import { llama } from "../../../../src/tasks/language/models/llama.ts";
import { STEPS } from "../../../../src/tasks/language/reply/reply.ts";

export const VOCABULARY = 29;
export const POSITIONS = 20;

/** A small decoder that answers with so many tokens; one without a number. */
export function tiny(steps?: number): Network {
  return llama({
    ...{ arch: "tiny", layers: 2, width: 24, heads: 4, groups: 2, hidden: 40, vocabulary: VOCABULARY },
    ...{ context: POSITIONS, epsilon: 1e-5, theta: 100, tied: true, steps },
  });
}

/** As a prompt is read by it: the mark behind which the answer begins. @param mark below `POSITIONS − STEPS` for a whole answer */
export function marked(tokens: ArrayLike<number>, mark: number): Float32Array {
  const input = new Float32Array(2 * POSITIONS);
  for (let t = 0; t < POSITIONS; t++) input[2 * t] = tokens[t];
  input[2 * mark + 1] = 1;
  return input;
}

export const WHOLE = STEPS * VOCABULARY;
