import { argmax } from "../core/argmax.ts";

/** Numbers of every image from what a classifier puts out, `[count × classes]`. */

/** How far a class leads all others: its logit less their highest. @returns `[count]` */
export function pullsTowards(outputs: Float32Array, classes: number, target: number): Float64Array {
  return eachRow(outputs, classes, (row) => {
    let others = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < classes; c++) if (c !== target && row[c] > others) others = row[c];
    return row[target] - others;
  });
}

/** Softmax cross-entropy with the images' labels. @returns `[count]` */
export function crossEntropies(outputs: Float32Array, classes: number, labels: ArrayLike<number>): Float64Array {
  return eachRow(outputs, classes, (row, i) => {
    const highest = row.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
    const sum = row.reduce((total, value) => total + Math.exp(value - highest), 0);
    return Math.log(sum) + highest - row[labels[i]];
  });
}

/** 1 where the highest logit is the label's, else 0. @returns `[count]` */
export function hits(outputs: Float32Array, classes: number, labels: ArrayLike<number>): Float64Array {
  return eachRow(outputs, classes, (row, i) => Number(argmax(row, classes, 0) === labels[i]));
}

/** Probabilities. @returns `[count × classes]` */
export function softmaxes(outputs: Float32Array, classes: number): Float32Array {
  const shares = Float32Array.from(outputs);
  for (let at = 0; at < shares.length; at += classes) {
    const row = shares.subarray(at, at + classes);
    const highest = row.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
    const powers = row.map((value) => Math.exp(value - highest));
    const sum = powers.reduce((total, value) => total + value, 0);
    row.set(powers.map((value) => value / sum));
  }
  return shares;
}

function eachRow(outputs: Float32Array, classes: number, of: (row: Float32Array, i: number) => number): Float64Array {
  return Float64Array.from({ length: outputs.length / classes }, (_, i) =>
    of(outputs.subarray(i * classes, (i + 1) * classes), i),
  );
}
