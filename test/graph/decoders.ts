import { Random } from "../../src/core/random.ts";
import type { Network } from "../../src/graph/network.ts";
import { type Gpt2Shape, gpt2 } from "../../src/tasks/language/models/gpt2.ts";
import { type LlamaShape, llama } from "../../src/tasks/language/models/llama.ts";

export const SEQUENCES = 3;
export const POSITIONS = 7;

const LLAMA: LlamaShape = {
  ...{ arch: "tiny llama", layers: 2, width: 24, heads: 4, groups: 2, hidden: 40, vocabulary: 29 },
  ...{ context: POSITIONS, epsilon: 1e-5, theta: 100, tied: true },
};
const GPT2: Gpt2Shape = {
  ...{ arch: "tiny gpt2", layers: 2, width: 24, heads: 4, hidden: 40, vocabulary: 29 },
  ...{ context: POSITIONS, positions: 11, epsilon: 1e-5 },
};

/** Small decoders that together hold every operator of sequences in every role it has. */
export const SHAPES = {
  "Llama, two heads to a group, tied head": { layout: "llama", ...LLAMA },
  "Llama, a group for each head, a head of its own": { layout: "llama", ...LLAMA, groups: 4, tied: false },
  "GPT-2": { layout: "gpt2", ...GPT2 },
} as const;

export type ShapeName = keyof typeof SHAPES;

export const DECODERS = Object.fromEntries(
  Object.entries(SHAPES).map(([name, shape]) => [name, shape.layout === "llama" ? llama(shape) : gpt2(shape)]),
) as Record<ShapeName, Network>;

/** Random sequences of `[number, answer]`, each with its answer at a position of its own. */
export function randomSequences(net: Network, count: number, seed: number): Float32Array {
  const random = new Random(seed);
  const { height: positions } = net.input;
  const input = new Float32Array(count * positions * 2);
  for (let i = 0; i < count; i++) {
    for (let t = 0; t < positions; t++) input[(i * positions + t) * 2] = random.below(net.classes);
    input[(i * positions + random.below(positions)) * 2 + 1] = 1;
  }
  return input;
}

/** What is to follow each position, and what each counts: some nothing. */
export function randomContinuations(
  net: Network,
  count: number,
  seed: number,
): { next: Float32Array; weights: Float32Array } {
  const random = new Random(seed);
  const length = count * net.input.height;
  return {
    next: Float32Array.from({ length }, () => random.below(net.classes)),
    weights: Float32Array.from({ length }, (_, i) => (i % 3 === 0 ? 0 : random.between(0.01, 0.2))),
  };
}
