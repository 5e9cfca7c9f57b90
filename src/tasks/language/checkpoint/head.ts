import type { Checkpoint } from "./checkpoint.ts";

/** What stands behind the last layer: a norm, and the table of vectors that gives logits. */
export class Head {
  /** The entry of the table, `[vocabulary, width]`: the embedding's where they share it. */
  readonly table: string;
  private readonly checkpoint: Checkpoint;
  private readonly gain: Float32Array;
  private readonly shift: Float32Array;

  constructor(checkpoint: Checkpoint) {
    const { layout, shape } = checkpoint.config;
    const isLlama = layout === "llama";
    this.checkpoint = checkpoint;
    this.gain = new Float32Array(shape.width);
    this.shift = new Float32Array(shape.width);
    checkpoint.read(isLlama ? "model.norm.weight" : "transformer.ln_f.weight", this.gain);
    if (!isLlama) checkpoint.read("transformer.ln_f.bias", this.shift);
    const shared = isLlama ? "model.embed_tokens.weight" : "transformer.wte.weight";
    this.table = (shape.tied ?? true) ? shared : "lm_head.weight";
  }

  /** Writes what the table reads of what flows out of the last layer at one position. */
  normalise(row: Float32Array, into: Float32Array): void {
    const { layout, shape } = this.checkpoint.config;
    const { width, epsilon } = shape;
    const mean = layout === "llama" ? 0 : row.reduce((sum, x) => sum + x, 0) / width;
    const square = row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / width;
    const rate = 1 / Math.sqrt(square + epsilon);
    for (let k = 0; k < width; k++) into[k] = (row[k] - mean) * rate * this.gain[k] + this.shift[k];
  }
}
