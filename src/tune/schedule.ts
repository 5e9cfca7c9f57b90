/** Learning rate over a run of `steps`: a linear warm-up to the peak, then a half cosine down to `floor`·peak. */
export function warmupCosine(step: number, steps: number, peak: number, warmupSteps: number, floor: number): number {
  if (step < warmupSteps) return (peak * (step + 1)) / warmupSteps;
  return halfCosine(step - warmupSteps, steps - warmupSteps, peak, floor);
}

/** A half cosine from the peak down to `floor`·peak. */
export function halfCosine(step: number, steps: number, peak: number, floor: number): number {
  return peak * (floor + (1 - floor) * 0.5 * (1 + Math.cos((Math.PI * step) / Math.max(1, steps))));
}
