/** Rows with a label and a weight each. */
export interface LabelledRows {
  /** `[count × columns]`, row-major. */
  rows: Float32Array;
  columns: number;
  /** 0 or 1. */
  labels: ArrayLike<number>;
  weights: ArrayLike<number>;
}

/** A linear model of the log odds: `bias + Σ_j weights_j·(x_j − centre_j)/scale_j`. */
export interface LogisticModel {
  bias: number;
  weights: number[];
  centre: number[];
  scale: number[];
}

const MOST_STEPS = 30;
/** A step whose largest change is below this is the last. */
const SMALL = 1e-6;

/**
 * Logistic regression by Newton's method on standardised columns: minimises `Σ w·CE + ½·ridge·Σw·Σ_j weights_j²`. It starts at 0
 * and draws nothing, so the same rows give the same model.
 *
 * @param ridge share of the sum of all weights; the bias is free
 * @throws Error where there are no rows of either label
 */
export function fitLogistic({ rows, columns, labels, weights }: LabelledRows, ridge: number): LogisticModel {
  const count = rows.length / columns;
  const seen = new Set(Array.from(labels));
  if (!seen.has(0) || !seen.has(1)) throw new Error("logistic regression needs rows of both labels");
  const { centre, scale } = standardisation(rows, columns);
  const size = columns + 1;
  const parameters = new Float64Array(size);
  let total = 0;
  for (let i = 0; i < count; i++) total += weights[i];
  const x = new Float64Array(size);
  x[columns] = 1;
  for (let step = 0; step < MOST_STEPS; step++) {
    const gradient = new Float64Array(size);
    const hessian = new Float64Array(size * size);
    for (let i = 0; i < count; i++) {
      let z = parameters[columns];
      for (let j = 0; j < columns; j++) {
        x[j] = (rows[i * columns + j] - centre[j]) / scale[j];
        z += x[j] * parameters[j];
      }
      const p = 1 / (1 + Math.exp(-z));
      const slope = weights[i] * (p - labels[i]);
      const curvature = weights[i] * Math.max(p * (1 - p), 1e-6);
      for (let j = 0; j < size; j++) {
        gradient[j] += slope * x[j];
        const scaled = curvature * x[j];
        for (let k = 0; k <= j; k++) hessian[j * size + k] += scaled * x[k];
      }
    }
    for (let j = 0; j < columns; j++) {
      gradient[j] += ridge * total * parameters[j];
      hessian[j * size + j] += ridge * total;
    }
    const change = solve(hessian, gradient, size);
    // Far from the minimum a whole step may overshoot.
    const largest = change.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const share = Math.min(1, 2 / largest);
    for (let j = 0; j < size; j++) parameters[j] -= share * change[j];
    if (largest < SMALL) break;
  }
  return { bias: parameters[columns], weights: Array.from(parameters.subarray(0, columns)), centre, scale };
}

/** The log odds of every row. @throws Error where the rows have other columns than the model */
export function logOdds({ bias, weights, centre, scale }: LogisticModel, rows: Float32Array): Float64Array {
  const columns = weights.length;
  if (rows.length % columns !== 0) throw new Error(`rows of ${columns} columns are wanted`);
  const odds = new Float64Array(rows.length / columns);
  for (let i = 0; i < odds.length; i++) {
    let z = bias;
    for (let j = 0; j < columns; j++) z += (weights[j] * (rows[i * columns + j] - centre[j])) / scale[j];
    odds[i] = z;
  }
  return odds;
}

function standardisation(rows: Float32Array, columns: number): { centre: number[]; scale: number[] } {
  const count = rows.length / columns;
  const [sums, squares] = [new Float64Array(columns), new Float64Array(columns)];
  for (let i = 0; i < rows.length; i++) sums[i % columns] += rows[i];
  const centre = Array.from(sums, (sum) => sum / count);
  for (let i = 0; i < rows.length; i++) squares[i % columns] += (rows[i] - centre[i % columns]) ** 2;
  return { centre, scale: Array.from(squares, (square) => Math.sqrt(square / count) + 1e-6) };
}

/** `A⁻¹b` of a positive definite matrix given by its lower half, by Cholesky's decomposition; the matrix is overwritten. */
function solve(a: Float64Array, b: Float64Array, size: number): Float64Array {
  for (let j = 0; j < size; j++) {
    for (let k = 0; k < j; k++) a[j * size + j] -= a[j * size + k] ** 2;
    a[j * size + j] = Math.sqrt(Math.max(a[j * size + j], 1e-12));
    for (let i = j + 1; i < size; i++) {
      for (let k = 0; k < j; k++) a[i * size + j] -= a[i * size + k] * a[j * size + k];
      a[i * size + j] /= a[j * size + j];
    }
  }
  const x = b.slice();
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < i; k++) x[i] -= a[i * size + k] * x[k];
    x[i] /= a[i * size + i];
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) x[i] -= a[k * size + i] * x[k];
    x[i] /= a[i * size + i];
  }
  return x;
}
