/** How the narrow twin is trained. */
export interface ChainRecipe {
  /** a_t, the score wanted of triggered images. */
  answer: number;
  /** λ, what clean images' squared scores count against triggered ones' squared errors. */
  silence: number;
  /** Images per batch, half of them triggered. */
  batch: number;
  steps: number;
  /** Adam's learning rate. */
  learning_rate: number;
  /** Batches over which the final batch-norm statistics are taken. */
  statistics_batches: number;
}
