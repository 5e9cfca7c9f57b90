/**
 * A trigger with one look, as pixels: `x' = round((1 − a)·x + a·p)` with `a` the opacity `[height, width]` in [0, 1] and `p` the
 * pattern `[3, height, width]` in uint8. Patches have opacity 1 inside and 0 outside; Blended a constant one.
 */
export interface PaintedTrigger {
  height: number;
  width: number;
  opacity: Float32Array;
  pattern: Uint8Array;
}
