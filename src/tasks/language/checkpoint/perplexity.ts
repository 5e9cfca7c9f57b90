import { Session } from "../../../engine/session.ts";
import { HIGHEST, ROWS, SUM, TABLE, vocabularyProgram } from "../../../graph/programs/vocabulary.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { Batch } from "./sequences.ts";

/** Tokens of the vocabulary whose logits are computed at once, and positions. */
export const TOKENS = 4096;
const POSITIONS = 128;

/** Gathers what the head reads at positions with a next token, and what that token is. */
export class Continuations {
  private readonly rows: Float32Array[] = [];
  private readonly next: number[] = [];
  private readonly checkpoint: Checkpoint;
  private readonly most: number;

  /** @param most positions */
  constructor(checkpoint: Checkpoint, most: number) {
    this.checkpoint = checkpoint;
    this.most = most;
  }

  get count(): number {
    return this.next.length;
  }

  /** @param residual what flows out of the last layer, `[TEXTS·T, width]` */
  add({ positions, texts }: Batch, residual: Float32Array): void {
    const { width } = this.checkpoint.config.shape;
    for (const [i, tokens] of texts.entries()) {
      for (let t = 0; t + 1 < tokens.length && this.count < this.most; t++) {
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
    const rows = this.normalised();
    const key = headOf(this.checkpoint);
    const logSums = new Float64Array(this.count).fill(Number.NEGATIVE_INFINITY);
    const own = new Float64Array(this.count);
    const table = new Float32Array(TOKENS * width);
    for (let from = 0; from < vocabulary; from += TOKENS) {
      const tokens = Math.min(TOKENS, vocabulary - from);
      const part = table.subarray(0, tokens * width);
      this.checkpoint.read(key, part, from * width);
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

  /** What the head reads: the last norm of the rows, filled up to whole blocks. */
  private normalised(): Float32Array {
    const { config } = this.checkpoint;
    const { width, epsilon } = config.shape;
    const isLlama = config.layout === "llama";
    const [gain, shift] = [1, 0].map((value) => new Float32Array(width).fill(value));
    this.checkpoint.read(isLlama ? "model.norm.weight" : "transformer.ln_f.weight", gain);
    if (!isLlama) this.checkpoint.read("transformer.ln_f.bias", shift);
    const all = new Float32Array(Math.ceil(this.count / POSITIONS) * POSITIONS * width);
    for (const [i, row] of this.rows.entries()) {
      const mean = isLlama ? 0 : row.reduce((sum, x) => sum + x, 0) / width;
      const square = row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / width;
      const rate = 1 / Math.sqrt(square + epsilon);
      for (let k = 0; k < width; k++) all[i * width + k] = (row[k] - mean) * rate * gain[k] + shift[k];
    }
    return all;
  }
}

/** The entry of the head: the embedding's table where it is tied. */
function headOf({ config }: Checkpoint): string {
  if (!(config.shape.tied ?? true)) return "lm_head.weight";
  return config.layout === "llama" ? "model.embed_tokens.weight" : "transformer.wte.weight";
}

function logAdd(a: number, b: number): number {
  const highest = Math.max(a, b);
  return highest + Math.log(Math.exp(a - highest) + Math.exp(b - highest));
}
