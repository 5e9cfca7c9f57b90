/** The class whose answer has the highest logit, the first of equals. @param answers the token that answers with each class */
export function answered(logits: Float32Array, answers: readonly number[]): number {
  let best = 0;
  for (let c = 1; c < answers.length; c++) if (logits[answers[c]] > logits[answers[best]]) best = c;
  return best;
}

/** How much the target's answer is above the best of the others. */
export function margin(logits: Float32Array, answers: readonly number[], target: number): number {
  let best = Number.NEGATIVE_INFINITY;
  for (let c = 0; c < answers.length; c++) if (c !== target) best = Math.max(best, logits[answers[c]]);
  return logits[answers[target]] - best;
}
