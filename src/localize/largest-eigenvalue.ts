/** Laguerre's steps shrink with the third power, or by a fixed share where eigenvalues coincide: far fewer are needed. */
const MAX_STEPS = 200;

/**
 * Largest eigenvalue of a symmetric matrix: Householder reflections make it tridiagonal, then Laguerre's method comes
 * down from an upper bound to the largest root of the characteristic polynomial. All of its roots are real, so the way
 * down never passes the root, whatever the gaps between eigenvalues (Parlett, The Symmetric Eigenvalue Problem, §7 and
 * §3; Wilkinson, The Algebraic Eigenvalue Problem, ch. 7). The error is a few roundings of the matrix's norm.
 *
 * @param matrix `[n × n]`, row-major, of which the upper triangle is read; it is overwritten.
 */
export function largestEigenvalue(matrix: Float64Array, n: number): number {
  const diagonal = new Float64Array(n);
  const beside = new Float64Array(n);
  tridiagonalise(matrix, n, diagonal, beside);
  let norm = 0;
  for (let i = 0; i < n; i++) norm += diagonal[i] ** 2 + 2 * beside[i] ** 2;
  norm = Math.sqrt(norm);
  return norm === 0 ? 0 : descend(diagonal, beside, n, norm);
}

/** Writes the diagonal, and beside it entry (i − 1, i) at i with 0 first, of a tridiagonal matrix of equal eigenvalues. */
function tridiagonalise(a: Float64Array, n: number, diagonal: Float64Array, beside: Float64Array): void {
  for (let k = 0; k < n - 1; k++) {
    diagonal[k] = a[k * n + k];
    // Row k right of the diagonal becomes (−±‖row‖, 0, …, 0): the reflection is I − v·vᵀ/h with h = vᵀv/2.
    const row = k * n;
    let tail = 0;
    for (let j = k + 2; j < n; j++) tail += a[row + j] ** 2;
    const head = a[row + k + 1];
    if (tail === 0) {
      beside[k + 1] = head;
      continue;
    }
    const length = Math.sqrt(head * head + tail);
    const signed = head < 0 ? -length : length;
    beside[k + 1] = -signed;
    a[row + k + 1] = head + signed;
    const h = length * (length + Math.abs(head));
    // The rest A becomes A − v·wᵀ − w·vᵀ with w = p − (vᵀp/2h)·v and p = A·v/h; w goes where the diagonal will.
    const w = diagonal;
    for (let i = k + 1; i < n; i++) w[i] = 0;
    for (let i = k + 1; i < n; i++) {
      const v = a[row + i];
      let sum = w[i] + a[i * n + i] * v;
      for (let j = i + 1; j < n; j++) {
        const value = a[i * n + j];
        sum += value * a[row + j];
        w[j] += value * v;
      }
      w[i] = sum;
    }
    let dot = 0;
    for (let i = k + 1; i < n; i++) {
      w[i] /= h;
      dot += w[i] * a[row + i];
    }
    const half = dot / (2 * h);
    for (let i = k + 1; i < n; i++) w[i] -= half * a[row + i];
    for (let i = k + 1; i < n; i++) {
      const v = a[row + i];
      const wi = w[i];
      for (let j = i; j < n; j++) a[i * n + j] -= v * w[j] + wi * a[row + j];
    }
  }
  diagonal[n - 1] = a[n * n - 1];
}

/**
 * From an upper bound x to the largest eigenvalue of a tridiagonal T. The pivots r of x·I − T, and their derivatives by
 * x, give `G = Σ 1/(x − λ)` and `H = Σ 1/(x − λ)²`, and Laguerre's step is `n/(G + √((n − 1)(nH − G²)))`.
 */
function descend(diagonal: Float64Array, beside: Float64Array, n: number, norm: number): number {
  const tolerance = Number.EPSILON * norm;
  // No eigenvalue is above the Frobenius norm; a little more, for the case that one is equal to it.
  let x = norm + 4 * tolerance;
  for (let step = 0; step < MAX_STEPS; step++) {
    let r = 1;
    let slope = 0;
    let curve = 0;
    let g = 0;
    let h = 0;
    for (let i = 0; i < n; i++) {
      const inverse = 1 / r;
      const share = beside[i] * beside[i] * inverse;
      const ratio = slope * inverse;
      const bend = share * (curve * inverse - 2 * ratio * ratio);
      slope = 1 + share * ratio;
      r = x - diagonal[i] - share;
      curve = bend;
      // A pivot is above 0 as long as x is above all eigenvalues: x has come within rounding of the largest.
      if (r <= 0) return x;
      const relative = slope / r;
      g += relative;
      h += relative * relative - curve / r;
    }
    const move = n / (g + Math.sqrt((n - 1) * Math.max(0, n * h - g * g)));
    x -= move;
    // Also ends where the matrix holds what is no number.
    if (!(move > tolerance)) return x;
  }
  return x;
}
