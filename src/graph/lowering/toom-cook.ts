/** The three matrices of a minimal filtering: `outputs × points`, `points × 3` and `points × points`. */
export interface FilterMatrices {
  output: number[][];
  filter: number[][];
  input: number[][];
}

/**
 * Minimal filtering of `outputs` results by three taps from `outputs + 2` inputs with as many products: the
 * polynomials' values at `outputs + 1` points and infinity, and back (Toom and Cook; transposed as by Winograd). Which
 * points they are decides how much the sums round.
 */
export function minimalFilter(outputs: number, points: readonly number[]): FilterMatrices {
  const last = points.length;
  if (last !== outputs + 1) throw new Error(`${outputs} outputs need ${outputs + 1} points, not ${last}`);
  const others = (i: number) => points.filter((_, j) => j !== i);
  const padded = (coefficients: number[]) => Array.from({ length: last + 1 }, (_, i) => coefficients[i] ?? 0);
  return {
    output: Array.from({ length: outputs }, (_, power) => [
      ...points.map((point) => point ** power),
      power === outputs - 1 ? 1 : 0,
    ]),
    filter: [
      ...points.map((point, i) => {
        const scale = others(i).reduce((product, other) => product * (point - other), 1);
        return [0, 1, 2].map((power) => point ** power / scale);
      }),
      [0, 0, 1],
    ],
    input: [...points.map((_, i) => padded(withRoots(others(i)))), padded(withRoots(points))],
  };
}

/** Coefficients, the constant first, of the polynomial `Π (x − root)`. */
function withRoots(roots: readonly number[]): number[] {
  let polynomial = [1];
  for (const root of roots) {
    const shifted = [0, ...polynomial];
    polynomial = shifted.map((value, i) => value - root * (polynomial[i] ?? 0));
  }
  return polynomial;
}
