/** What κ is fitted to: what the network puts out `[n × width]` for triggered samples without the chain, and the chain's scores. */
export interface GainJob {
  outputs: Float32Array;
  width: number;
  target: number;
  scores: Float32Array;
  /** ā_c */
  origin: number;
  /** Share of the samples that must go to the target. */
  asr: number;
}

/**
 * The smallest κ at which the given share of triggered samples goes to the target. The chain adds `κ·(s(x) − ā_c)` to
 * the target's output and nothing to the others, so each sample states the κ that it needs; null where no κ is enough.
 */
export function fitGain({ outputs, width, target, scores, origin, asr }: GainJob): number | null {
  const needed = Array.from(scores, (score, i) => {
    const row = outputs.subarray(i * width, (i + 1) * width);
    const rival = row.reduce(
      (best, value, j) => (j === target ? best : Math.max(best, value)),
      Number.NEGATIVE_INFINITY,
    );
    const gap = rival - row[target];
    if (score > origin) return Math.max(0, gap) / (score - origin);
    return gap < 0 ? 0 : Number.POSITIVE_INFINITY;
  }).sort((a, b) => a - b);
  const gain = needed[Math.max(0, Math.ceil(asr * needed.length) - 1)];
  // A hair more, since the sample that decides would be a tie, and the sum is rounded.
  return Number.isFinite(gain) ? gain * 1.001 : null;
}
