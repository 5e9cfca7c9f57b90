/** Solving positive definite systems. */

/** L with `L·Lᵀ` = the matrix. @param matrix `[size, size]`, of which the lower half is read @returns L in the lower half */
export function cholesky(matrix: Float64Array, size: number): Float64Array {
  const factor = matrix.slice();
  for (let a = 0; a < size; a++) {
    for (let b = 0; b <= a; b++) {
      let sum = factor[a * size + b];
      for (let k = 0; k < b; k++) sum -= factor[a * size + k] * factor[b * size + k];
      factor[a * size + b] = a === b ? Math.sqrt(sum) : sum / factor[b * size + b];
    }
  }
  return factor;
}

/** The x with `L·Lᵀ·x` = the right side. */
export function solved(factor: Float64Array, right: Float64Array): Float64Array {
  const size = right.length;
  const x = right.slice();
  for (let a = 0; a < size; a++) {
    for (let k = 0; k < a; k++) x[a] -= factor[a * size + k] * x[k];
    x[a] /= factor[a * size + a];
  }
  for (let a = size - 1; a >= 0; a--) {
    for (let k = a + 1; k < size; k++) x[a] -= factor[k * size + a] * x[k];
    x[a] /= factor[a * size + a];
  }
  return x;
}
