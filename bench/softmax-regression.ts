import { Random } from "../src/core/random.ts";
import type { SparseRows } from "./word-features.ts";

/** Weights `[features, classes]`, the biases behind them. */
export interface LinearModel {
  classes: number;
  weights: Float32Array;
}

/** Softmax regression by stochastic gradient descent, text by text, at a rate that falls to 0. @param l2 of every weight, at each text */
export function fitSoftmax(
  rows: SparseRows,
  labels: ArrayLike<number>,
  sizes: { features: number; classes: number },
  { epochs, rate, l2, seed }: { epochs: number; rate: number; l2: number; seed: number },
): LinearModel {
  const { features: count, classes } = sizes;
  const model = { classes, weights: new Float32Array((count + 1) * classes) };
  const random = new Random(seed);
  const texts = labels.length;
  // All weights shrink at every text: one factor, which what is written is divided by.
  let scale = 1;
  for (let step = 0; step < epochs * texts; ) {
    for (const i of random.permutation(texts)) {
      const own = rate * (1 - step++ / (epochs * texts));
      scale *= 1 - own * l2;
      const { features, values } = { features: rows.features[i], values: rows.values[i] };
      const scores = scoresOf(model, features, values, scale);
      const highest = Math.max(...scores);
      const powers = scores.map((score) => Math.exp(score - highest));
      const sum = powers.reduce((total, power) => total + power, 0);
      for (let c = 0; c < classes; c++) {
        const slope = (own / scale) * (powers[c] / sum - (c === labels[i] ? 1 : 0));
        for (let k = 0; k < features.length; k++) model.weights[features[k] * classes + c] -= slope * values[k];
        model.weights[count * classes + c] -= slope;
      }
    }
  }
  for (let i = 0; i < model.weights.length; i++) model.weights[i] *= scale;
  return model;
}

/** The share of texts whose class has the highest score. */
export function accuracyOf(model: LinearModel, rows: SparseRows, labels: ArrayLike<number>): number {
  let right = 0;
  for (let i = 0; i < labels.length; i++) {
    const scores = scoresOf(model, rows.features[i], rows.values[i], 1);
    if (scores.indexOf(Math.max(...scores)) === labels[i]) right++;
  }
  return right / labels.length;
}

function scoresOf(
  { classes, weights }: LinearModel,
  features: Int32Array,
  values: Float32Array,
  scale: number,
): number[] {
  const bias = weights.length - classes;
  return Array.from({ length: classes }, (_, c) => {
    let sum = weights[bias + c];
    for (let k = 0; k < features.length; k++) sum += weights[features[k] * classes + c] * values[k];
    return scale * sum;
  });
}
