/**
 * A trigger with one look, as pixels: `x' = round((1 − a)·x + a·p)` with `a` the opacity `[height, width]` in [0, 1] and `p` the
 * pattern `[3, height, width]` in uint8. Patches have opacity 1 inside and 0 outside; Blended a constant one.
 */
export interface PaintedTrigger {
  /** Without a kind, since it was the only one for long: what is stored of it has none. */
  kind?: undefined;
  height: number;
  width: number;
  opacity: Float32Array;
  pattern: Uint8Array;
}

/** A signal added to a picture: `x' = round(x + s)`, cut off at 0 and 255, with `s` `[3, height, width]` in grey levels. */
export interface AdditiveTrigger {
  kind: "additive";
  height: number;
  width: number;
  signal: Float32Array;
}

/**
 * A picture bent: `x'` at row i and column j is `x` at `(i + f₀, j + f₁)`, between pixels bilinear, beyond the picture its edge.
 * `flow` is `[2, height, width]` in pixels: rows, then columns.
 */
export interface WarpTrigger {
  kind: "warp";
  height: number;
  width: number;
  flow: Float32Array;
}

/** What an attack puts on an image, of any kind. */
export type ImageTrigger = PaintedTrigger | AdditiveTrigger | WarpTrigger;
