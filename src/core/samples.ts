/**
 * Some samples with their truths. What they are, only their task knows: images with classes, frames with lanes. Whoever speaks of
 * any task counts them, and hands them on.
 */
export interface Samples {
  readonly count: number;
}
