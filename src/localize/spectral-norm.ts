/** Sweeps after which Jacobi has long converged for the sizes of filters (9×9 needs about 6). */
const MAX_SWEEPS = 50;

/**
 * Largest eigenvalue of a symmetric matrix by cyclic Jacobi rotations: each rotation zeroes one off-diagonal pair,
 * until all are negligible and the diagonal holds the eigenvalues.
 *
 * @param matrix `[n × n]`, row-major; it is overwritten.
 */
export function largestEigenvalue(matrix: Float64Array, n: number): number {
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep++) {
    let offDiagonal = 0;
    let diagonal = 0;
    for (let p = 0; p < n; p++) {
      diagonal += matrix[p * n + p] ** 2;
      for (let q = p + 1; q < n; q++) offDiagonal += matrix[p * n + q] ** 2;
    }
    if (offDiagonal <= 1e-30 * diagonal) break;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(matrix, n, p, q);
  }
  let largest = Number.NEGATIVE_INFINITY;
  for (let p = 0; p < n; p++) largest = Math.max(largest, matrix[p * n + p]);
  return largest;
}

/** Rotates rows and columns p and q so that entry (p, q) becomes 0. */
function rotate(matrix: Float64Array, n: number, p: number, q: number): void {
  const coupling = matrix[p * n + q];
  if (coupling === 0) return;
  const theta = (matrix[q * n + q] - matrix[p * n + p]) / (2 * coupling);
  const tangent = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const cos = 1 / Math.hypot(tangent, 1);
  const sin = tangent * cos;
  for (let k = 0; k < n; k++) {
    const [a, b] = [matrix[k * n + p], matrix[k * n + q]];
    matrix[k * n + p] = cos * a - sin * b;
    matrix[k * n + q] = sin * a + cos * b;
  }
  for (let k = 0; k < n; k++) {
    const [a, b] = [matrix[p * n + k], matrix[q * n + k]];
    matrix[p * n + k] = cos * a - sin * b;
    matrix[q * n + k] = sin * a + cos * b;
  }
}

/**
 * Largest singular value of a matrix with few columns, as the root of the largest eigenvalue of its Gram matrix.
 *
 * @param matrix `[rows × columns]`, row-major. With one column it is the L2 norm.
 */
export function spectralNorm(matrix: ArrayLike<number>, columns: number): number {
  const gram = new Float64Array(columns * columns);
  for (let start = 0; start < matrix.length; start += columns) {
    for (let p = 0; p < columns; p++) {
      const value = matrix[start + p];
      for (let q = p; q < columns; q++) gram[p * columns + q] += value * matrix[start + q];
    }
  }
  for (let p = 0; p < columns; p++) for (let q = 0; q < p; q++) gram[p * columns + q] = gram[q * columns + p];
  return Math.sqrt(Math.max(0, largestEigenvalue(gram, columns)));
}
