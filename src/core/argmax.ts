/** Index of the highest of the `each` values of item `i`; the first where several tie. */
export function argmax(values: Float32Array, each: number, i: number): number {
  let best = 0;
  for (let c = 1; c < each; c++) if (values[i * each + c] > values[i * each + best]) best = c;
  return best;
}

/** Index of the highest value; the first where several tie. */
export function highest(values: Float32Array): number {
  return argmax(values, values.length, 0);
}
