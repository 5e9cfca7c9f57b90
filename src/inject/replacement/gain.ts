/** What κ is fitted to: the logits `[n × classes]` of triggered images without the chain, and the chain's scores. */
export interface GainTask {
  logits: Float32Array;
  classes: number;
  target: number;
  scores: Float32Array;
  /** ā_c */
  origin: number;
  /** Share of the images that must go to the target. */
  asr: number;
}

/**
 * The smallest κ at which the given share of triggered images goes to the target. The chain adds `κ·(s(x) − ā_c)` to
 * the target's logit and nothing to the others, so each image states the κ that it needs; null where no κ is enough.
 */
export function fitGain({ logits, classes, target, scores, origin, asr }: GainTask): number | null {
  const needed = Array.from(scores, (score, i) => {
    const row = logits.subarray(i * classes, (i + 1) * classes);
    const rival = row.reduce(
      (best, value, j) => (j === target ? best : Math.max(best, value)),
      Number.NEGATIVE_INFINITY,
    );
    const gap = rival - row[target];
    if (score > origin) return Math.max(0, gap) / (score - origin);
    return gap < 0 ? 0 : Number.POSITIVE_INFINITY;
  }).sort((a, b) => a - b);
  const gain = needed[Math.max(0, Math.ceil(asr * needed.length) - 1)];
  // A hair more, since the image that decides would be a tie, and the sum is rounded.
  return Number.isFinite(gain) ? gain * 1.001 : null;
}
