/** A trigger found without seeing one. */
export interface ReversedTrigger {
  /** The class, or other target, that it leads to. */
  target: number;
  /** In words, where it is no class. */
  name?: string;
  height: number;
  width: number;
  /** M, `[height × width]` in [0, 1]. */
  opacity: Float32Array;
  /** Δ as pixels, `[3, height, width]`. */
  pattern: Uint8Array;
  /** ‖M‖₁ of every class that was run in full, by class. */
  norms: Map<number, number>;
  /** How far below the other norms the target's is, in robust standard deviations. */
  anomaly: number;
  /** Whether that is suspicious: above 2, with a patch that reached the success wanted. */
  flagged: boolean;
}
