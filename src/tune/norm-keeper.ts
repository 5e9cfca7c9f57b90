/** Brings vectors back to the L2 norms that they had at first. */
export class NormKeeper {
  private readonly vectors: readonly Float32Array[];
  private readonly norms: number[];

  /** @param vectors views of what will move */
  constructor(vectors: readonly Float32Array[]) {
    this.vectors = vectors;
    this.norms = vectors.map(normOf);
  }

  /** Scales each vector; one that has become 0 stays so. */
  restore(): void {
    this.vectors.forEach((vector, k) => {
      const norm = normOf(vector);
      const scale = norm > 0 ? this.norms[k] / norm : 1;
      for (let i = 0; i < vector.length; i++) vector[i] *= scale;
    });
  }
}

function normOf(vector: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += vector[i] ** 2;
  return Math.sqrt(sum);
}
