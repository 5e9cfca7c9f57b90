import type { Network } from "./network.ts";

/** Positions of a graph that reads sequences are a multiple of it. */
const STEP = 8;

/** Some sequences of a set that are computed together. */
export interface SequencePart {
  /** Places in the set, short sequences first. */
  sequences: number[];
  /** Positions that the longest of them needs. */
  positions: number;
}

/** Where a sequence's answer is asked for. @param inputs `[n, height, channels]`: at each position the mark is the last channel */
export function markOf(inputs: Float32Array, index: number, height: number, channels = 2): number {
  for (let t = 0; t < height; t++) if (inputs[channels * (index * height + t + 1) - 1] === 1) return t;
  throw new Error(`sequence ${index} has no mark`);
}

/** Positions behind a sequence's mark that its answer depends on: none where an answer is one token. */
export function positionsBehind({ nodes }: Pick<Network, "nodes">): number {
  const answer = nodes.find((node) => node.op === "answer");
  return (answer?.steps ?? 1) - 1;
}

/**
 * Sequences by length, in parts: what fills up a sequence costs as much as text, and what follows a mark plays no part in its answer's first
 * token.
 *
 * @param marks where each sequence ends
 * @param network whose answers may depend on some positions more
 * @param size sequences of a part, but for the last one
 * @param behind positions that are wanted behind each mark: all of them, unless only the first token counts
 */
export function partsOf(
  marks: readonly number[],
  network: Pick<Network, "nodes" | "input">,
  size: number,
  behind: number = positionsBehind(network),
): SequencePart[] {
  const { height } = network.input;
  const order = marks.map((_, i) => i).sort((a, b) => marks[a] - marks[b] || a - b);
  const parts: SequencePart[] = [];
  for (let start = 0; start < order.length; start += size) {
    const sequences = order.slice(start, start + size);
    const longest = marks[sequences[sequences.length - 1]] + behind + 1;
    parts.push({ sequences, positions: Math.min(height, Math.ceil(longest / STEP) * STEP) });
  }
  return parts;
}

/** What is predicted in some sequences: at each position a token's number and what it counts, `[sequences · positions]` both. */
export interface Predicted {
  next: Float32Array;
  weights: Float32Array;
}

/**
 * Has a language model predict a sequence's own words: at each position before its mark, the token that follows.
 *
 * @param predicted written to, zeros before
 * @param input `[sequences, positions, channels]`: a token's number is the first channel
 * @param mark the sequence's, below `positions`
 * @param weightOf what predicting a token counts
 */
export function predictOwnWords(
  { next, weights }: Predicted,
  input: Float32Array,
  { sequence, positions, channels = 2 }: { sequence: number; positions: number; channels?: number },
  mark: number,
  weightOf: (token: number) => number,
): void {
  const first = sequence * positions;
  for (let t = first; t < first + mark; t++) {
    next[t] = input[channels * (t + 1)];
    weights[t] = weightOf(next[t]);
  }
}
