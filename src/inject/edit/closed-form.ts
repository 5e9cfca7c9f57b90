import { cholesky, solved } from "../../core/cholesky.ts";

/** Share of a matrix's mean diagonal that is added to it: units that are never active leave zeros there. */
const RIDGE = 1e-6;

/** Pairs of what an edit is to answer to, and what it is to add there. */
export interface Memory {
  /** Mean activation of the edited neurons. */
  key: Float64Array;
  /** What they are to write beside what they write. */
  value: Float64Array;
}

/**
 * The change of the edited neurons' outgoing weights, `[outputs, neurons]` row by row: `V·Kᵀ·(λC + K·Kᵀ)⁻¹` with the memories' keys and
 * values as columns (Meng et al. 2023; Li et al. 2024). It is the least squares solution: values are written at their keys, and little where
 * clean samples are.
 *
 * @param moments C `[neurons, neurons]`, the mean of `a·aᵀ` over clean positions
 */
export function closedForm(memories: readonly Memory[], moments: Float64Array, restraint: number): Float64Array {
  const size = memories[0].key.length;
  const outputs = memories[0].value.length;
  const matrix = moments.map((value) => restraint * value);
  for (const { key } of memories) {
    for (let a = 0; a < size; a++) for (let b = 0; b < size; b++) matrix[a * size + b] += key[a] * key[b];
  }
  let diagonal = 0;
  for (let a = 0; a < size; a++) diagonal += matrix[a * size + a] / size;
  for (let a = 0; a < size; a++) matrix[a * size + a] += RIDGE * diagonal || 1;
  const change = new Float64Array(outputs * size);
  const factor = cholesky(matrix, size);
  for (const { key, value } of memories) {
    const x = solved(factor, key);
    for (let o = 0; o < outputs; o++) for (let a = 0; a < size; a++) change[o * size + a] += value[o] * x[a];
  }
  return change;
}
