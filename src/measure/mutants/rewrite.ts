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

/** Told the logits of an image under a rewrite, `[classes]`, valid during the call. */
export type OnRewritten = (rewrite: number, image: number, logits: Float32Array) => void;

/** A model on fixed images, one channel rewritten at a time (docs/methods.md §10.7). */
export interface ChannelRewrites {
  /** Logits of the model as it is, `[count × classes]`. */
  base(): Promise<Float32Array>;
  /**
   * Runs the images under every rewrite. Where an image's activation stays the same to the bit, so do its logits: it is
   * left out, and `visit` is not called.
   */
  run(rewrites: readonly ChannelRewrite[], visit: OnRewritten): Promise<void>;
}
