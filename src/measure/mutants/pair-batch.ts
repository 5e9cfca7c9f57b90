/** One channel's maps before and after, filled pair by pair until the program's batch is full. */
export class PairBatch {
  readonly size: number;
  readonly before: Float32Array;
  readonly after: Float32Array;
  /** Which of the chunk's samples each pair is. */
  readonly rows: Float32Array;
  /** Which rewrite. */
  readonly rewrites: Int32Array;
  count = 0;
  private readonly area: number;

  constructor(size: number, area: number) {
    this.size = size;
    this.area = area;
    this.before = new Float32Array(size * area);
    this.after = new Float32Array(size * area);
    this.rows = new Float32Array(size);
    this.rewrites = new Int32Array(size);
  }

  get full(): boolean {
    return this.count === this.size;
  }

  /**
   * Adds a sample under a rewrite, unless nothing changes.
   *
   * @param y the channel's batch-norm output, its map at `at`
   * @param window sums of the input, the sample's map at `windowAt`
   */
  add(
    rewrite: number,
    row: number,
    { scale, shift, window }: { scale: number; shift: number; window: number },
    y: Float32Array,
    at: number,
    sums: Float32Array,
    sumsAt: number,
    relu: boolean,
  ): void {
    const { before, after, area } = this;
    const start = this.count * area;
    let differs = false;
    for (let i = 0; i < area; i++) {
      const value = y[at + i];
      let changed = scale * value + shift;
      if (window !== 0) changed += window * sums[sumsAt + i];
      before[start + i] = relu ? Math.max(0, value) : value;
      after[start + i] = relu ? Math.max(0, changed) : changed;
      if (after[start + i] !== before[start + i]) differs = true;
    }
    if (!differs) return;
    this.rows[this.count] = row;
    this.rewrites[this.count] = rewrite;
    this.count++;
  }
}
