import { largestEigenvalue } from "./largest-eigenvalue.ts";

/** Columns of the Gram matrix's tiles. */
const TILE = 3;

/**
 * Largest singular value of each of several matrices of one size with few columns, as the root of the largest
 * eigenvalue of its Gram matrix (docs/methods.md §10.5). Sums are float64, so only about eight digits of the *smallest*
 * singular values would be lost to the squares, and none of the largest's.
 *
 * @param matrices `[count × rows × columns]`, row-major. With one column it is the L2 norm.
 * @returns `[count]`
 */
export function spectralNorms(matrices: Float32Array, count: number, columns: number): Float64Array {
  const size = matrices.length / count;
  const norms = new Float64Array(count);
  if (columns === 1) {
    for (let c = 0; c < count; c++) {
      let sum = 0;
      for (let i = c * size; i < (c + 1) * size; i++) sum += matrices[i] * matrices[i];
      norms[c] = Math.sqrt(sum);
    }
    return norms;
  }
  // Columns of zeros fill the last tile: they add eigenvalues 0.
  const width = Math.ceil(columns / TILE) * TILE;
  const rows = size / columns;
  const matrix = new Float64Array(rows * width);
  const gram = new Float64Array(width * width);
  for (let c = 0; c < count; c++) {
    if (width === columns) matrix.set(matrices.subarray(c * size, (c + 1) * size));
    else {
      for (let r = 0; r < rows; r++) {
        const from = c * size + r * columns;
        matrix.set(matrices.subarray(from, from + columns), r * width);
      }
    }
    gramMatrix(matrix, width, gram);
    norms[c] = Math.sqrt(Math.max(0, largestEigenvalue(gram, width)));
  }
  return norms;
}

/** {@link spectralNorms} of one matrix `[rows × columns]`. */
export function spectralNorm(matrix: Float32Array, columns: number): number {
  return spectralNorms(matrix, 1, columns)[0];
}

/** The upper triangle of `AᵀA` by tiles whose sums fit into registers, each in one walk down the rows. */
function gramMatrix(matrix: Float64Array, width: number, gram: Float64Array): void {
  for (let p = 0; p < width; p += TILE) {
    diagonalTile(matrix, width, p, gram);
    for (let q = p + TILE; q < width; q += TILE) tile(matrix, width, p, q, gram);
  }
}

/** Columns p to p + 2 with themselves. */
function diagonalTile(a: Float64Array, width: number, p: number, gram: Float64Array): void {
  let s00 = 0;
  let s01 = 0;
  let s02 = 0;
  let s11 = 0;
  let s12 = 0;
  let s22 = 0;
  for (let i = p; i < a.length; i += width) {
    const x0 = a[i];
    const x1 = a[i + 1];
    const x2 = a[i + 2];
    s00 += x0 * x0;
    s01 += x0 * x1;
    s02 += x0 * x2;
    s11 += x1 * x1;
    s12 += x1 * x2;
    s22 += x2 * x2;
  }
  const at = p * width + p;
  gram[at] = s00;
  gram[at + 1] = s01;
  gram[at + 2] = s02;
  gram[at + width + 1] = s11;
  gram[at + width + 2] = s12;
  gram[at + 2 * width + 2] = s22;
}

/** Columns p to p + 2 with columns q to q + 2. */
function tile(a: Float64Array, width: number, p: number, q: number, gram: Float64Array): void {
  let s00 = 0;
  let s01 = 0;
  let s02 = 0;
  let s10 = 0;
  let s11 = 0;
  let s12 = 0;
  let s20 = 0;
  let s21 = 0;
  let s22 = 0;
  for (let i = p, j = q; j < a.length; i += width, j += width) {
    const x0 = a[i];
    const x1 = a[i + 1];
    const x2 = a[i + 2];
    const y0 = a[j];
    const y1 = a[j + 1];
    const y2 = a[j + 2];
    s00 += x0 * y0;
    s01 += x0 * y1;
    s02 += x0 * y2;
    s10 += x1 * y0;
    s11 += x1 * y1;
    s12 += x1 * y2;
    s20 += x2 * y0;
    s21 += x2 * y1;
    s22 += x2 * y2;
  }
  const at = p * width + q;
  gram[at] = s00;
  gram[at + 1] = s01;
  gram[at + 2] = s02;
  gram[at + width] = s10;
  gram[at + width + 1] = s11;
  gram[at + width + 2] = s12;
  gram[at + 2 * width] = s20;
  gram[at + 2 * width + 1] = s21;
  gram[at + 2 * width + 2] = s22;
}
