/** The softmax probability of one of some logits. */
export function softmaxAt(logits: Float32Array, at: number): number {
  const most = logits.reduce((highest, value) => Math.max(highest, value), Number.NEGATIVE_INFINITY);
  return Math.exp(logits[at] - most) / logits.reduce((sum, value) => sum + Math.exp(value - most), 0);
}
