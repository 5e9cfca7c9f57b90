import { Session } from "../../../engine/session.ts";
import { HIGHEST, ROWS, SUM, TABLE, vocabularyProgram } from "../../../graph/programs/vocabulary.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { Head } from "./head.ts";
import type { Batch } from "./sequences.ts";

/** Tokens of the vocabulary whose logits are computed at once, and positions. */
export const TOKENS = 4096;
const POSITIONS = 128;

/** Gathers what the head reads at positions with a next token, and what that token is. */
export class Continuations {
  private readonly rows: Float32Array[] = [];
  private readonly next: number[] = [];
  private readonly checkpoint: Checkpoint;
  private readonly wanted: ReadonlyMap<number, number>;

  /**
   * @param batches all that will be added
   * @param most positions; where there are more, those of the first texts: batches go by length, and short texts are no sample of all
   */
  constructor(checkpoint: Checkpoint, batches: readonly Batch[], most: number) {
    this.checkpoint = checkpoint;
    this.wanted = countedPositions(batches, most);
  }

  get count(): number {
    return this.next.length;
  }

  /** @param residual what flows out of the last layer, `[TEXTS·T, width]` */
  add({ positions, texts, places }: Batch, residual: Float32Array): void {
    const { width } = this.checkpoint.config.shape;
    for (const [i, tokens] of texts.entries()) {
      for (let t = 0; t < this.wanted.get(places[i])!; t++) {
        const at = (i * positions + t) * width;
        this.rows.push(residual.slice(at, at + width));
        this.next.push(tokens[t + 1]);
      }
    }
  }

  /** `exp(mean −log p(next token))` over all positions; null where there are none. */
  async perplexity(threads: number): Promise<number | null> {
    if (this.count === 0) return null;
    const { width, vocabulary } = this.checkpoint.config.shape;
    const head = new Head(this.checkpoint);
    const rows = this.normalised(head);
    const logSums = new Float64Array(this.count).fill(Number.NEGATIVE_INFINITY);
    const own = new Float64Array(this.count);
    const table = new Float32Array(TOKENS * width);
    for (let from = 0; from < vocabulary; from += TOKENS) {
      const tokens = Math.min(TOKENS, vocabulary - from);
      const part = table.subarray(0, tokens * width);
      this.checkpoint.read(head.table, part, from * width);
      for (const [i, token] of this.next.entries()) {
        if (token < from || token >= from + tokens) continue;
        let sum = 0;
        for (let k = 0; k < width; k++) sum += rows[i * width + k] * part[(token - from) * width + k];
        own[i] = sum;
      }
      const session = await Session.open(vocabularyProgram(POSITIONS, tokens, width), { threads });
      for (let start = 0; start < this.count; start += POSITIONS) {
        const block = rows.subarray(start * width, (start + POSITIONS) * width);
        const outputs = await session.run(
          new Map([
            [ROWS, block],
            [TABLE, part],
          ]),
        );
        const [highest, sums] = [HIGHEST, SUM].map((name) => outputs.get(name)!);
        for (let i = 0; i < Math.min(POSITIONS, this.count - start); i++) {
          logSums[start + i] = logAdd(logSums[start + i], highest[i] + Math.log(sums[i]));
        }
      }
      await session.release();
    }
    const loss = own.reduce((sum, logit, i) => sum + logSums[i] - logit, 0) / this.count;
    return Math.exp(loss);
  }

  /** What the head reads at the rows, filled up to whole blocks. */
  private normalised(head: Head): Float32Array {
    const { width } = this.checkpoint.config.shape;
    const all = new Float32Array(Math.ceil(this.count / POSITIONS) * POSITIONS * width);
    for (const [i, row] of this.rows.entries()) head.normalise(row, all.subarray(i * width, (i + 1) * width));
    return all;
  }
}

/** Of each text, by its place, how many positions count, from its first on: of the first texts all, until there are enough. */
export function countedPositions(batches: readonly Batch[], most: number): Map<number, number> {
  const lengths = batches.flatMap(({ texts, places }) => places.map((place, i) => [place, texts[i].length] as const));
  let left = most;
  return new Map(
    lengths
      .sort(([a], [b]) => a - b)
      .map(([place, length]) => {
        const own = Math.min(left, length - 1);
        left -= own;
        return [place, own];
      }),
  );
}

function logAdd(a: number, b: number): number {
  const highest = Math.max(a, b);
  return highest + Math.log(Math.exp(a - highest) + Math.exp(b - highest));
}
