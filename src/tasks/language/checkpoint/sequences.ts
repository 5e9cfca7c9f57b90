import type { Checkpoint } from "./checkpoint.ts";

/** Texts as a model reads them, of one length with what fills them up. */
export interface Batch {
  positions: number;
  /** Tokens of each text, at most as many as there are positions. */
  texts: readonly (readonly number[])[];
  /** Place of each among all texts. */
  places: readonly number[];
}

/** Texts that are computed at once: so few that no result depends on how much memory there is. */
export const TEXTS = 8;
/** Lengths are multiples of it. */
const STEP = 16;
/** A longer text loses its end. */
const LONGEST = 64;

/** Positions that a model reads at most. */
export function longestOf({ config }: Checkpoint): number {
  return Math.min(LONGEST, config.positions);
}

/** Texts of similar length together. @param texts their tokens; a text without a token is left out */
export function batchesOf(checkpoint: Checkpoint, texts: readonly (readonly number[])[]): Batch[] {
  const longest = longestOf(checkpoint);
  const byLength = new Map<number, number[]>();
  for (const [place, tokens] of texts.entries()) {
    if (tokens.length === 0) continue;
    const positions = Math.min(longest, STEP * Math.ceil(tokens.length / STEP));
    byLength.set(positions, [...(byLength.get(positions) ?? []), place]);
  }
  return [...byLength]
    .sort(([a], [b]) => a - b)
    .flatMap(([positions, all]) =>
      Array.from({ length: Math.ceil(all.length / TEXTS) }, (_, i) => {
        const places = all.slice(i * TEXTS, (i + 1) * TEXTS);
        return { positions, places, texts: places.map((place) => texts[place].slice(0, longest)) };
      }),
    );
}

/** 1 at every position that holds a token. @returns `[1, TEXTS·T]` */
export function filled({ positions, texts }: Batch): Float32Array {
  const weights = new Float32Array(TEXTS * positions);
  for (const [i, { length }] of texts.entries()) weights.fill(1, i * positions, i * positions + length);
  return weights;
}

/** The vectors of a batch's tokens, with those of their positions where the model has such: `[TEXTS·T, width]`. */
export function embedded(checkpoint: Checkpoint, { positions, texts }: Batch): Float32Array {
  const { layout, shape } = checkpoint.config;
  const { width } = shape;
  const vectors = new Float32Array(TEXTS * positions * width);
  const place = new Float32Array(layout === "gpt2" ? positions * width : 0);
  if (layout === "gpt2") checkpoint.read("transformer.wpe.weight", place);
  const table = layout === "gpt2" ? "transformer.wte.weight" : "model.embed_tokens.weight";
  for (const [i, tokens] of texts.entries()) {
    for (const [t, token] of tokens.entries()) {
      const vector = vectors.subarray((i * positions + t) * width, (i * positions + t + 1) * width);
      checkpoint.read(table, vector, token * width);
      if (place.length > 0) for (let k = 0; k < width; k++) vector[k] += place[t * width + k];
    }
  }
  return vectors;
}
