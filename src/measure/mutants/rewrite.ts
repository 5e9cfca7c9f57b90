/**
 * A channel computed otherwise: its batch-norm output y becomes `scale·y + shift + window·S`, where S is the sum of all
 * input values that its filter covers at a position. A ReLU that follows the unit still does.
 */
export interface ChannelRewrite {
  unit: string;
  channel: number;
  scale: number;
  shift: number;
  window: number;
}

/** Told what the network puts out for a sample under a rewrite; valid during the call. */
export type OnRewritten = (rewrite: number, sample: number, output: Float32Array) => void;

/** A model on fixed samples, one neuron computed otherwise at a time (docs/methods.md §10.7). */
export interface Rewrites<R> {
  /** What the model as it is puts out, `[count × width]`. */
  base(): Promise<Float32Array>;
  /**
   * Runs the samples under every rewrite. Where a sample's activation stays the same to the bit, so does its output: it is
   * left out, and `visit` is not called.
   */
  run(rewrites: readonly R[], visit: OnRewritten): Promise<void>;
}

export type ChannelRewrites = Rewrites<ChannelRewrite>;
