import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { fitLogistic, type LabelledRows, logOdds } from "../../src/tune/logistic.ts";

const COLUMNS = 4;
const TRUE = [2, -1, 0, 0.5];

/** Rows whose log odds are linear, on scales far apart. */
function drawn(count: number, seed: number): LabelledRows {
  const random = new Random(seed);
  const rows = new Float32Array(count * COLUMNS);
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    let z = -0.5;
    for (let j = 0; j < COLUMNS; j++) {
      const x = random.normal();
      rows[i * COLUMNS + j] = x * 10 ** j + j;
      z += TRUE[j] * x;
    }
    labels[i] = random.uniform() < 1 / (1 + Math.exp(-z)) ? 1 : 0;
  }
  return { rows, columns: COLUMNS, labels, weights: new Float64Array(count).fill(1) };
}

describe("logistic regression", () => {
  const data = drawn(20_000, 1);

  it("finds the weights that the labels were drawn from", () => {
    const model = fitLogistic(data, 0);
    for (const [j, weight] of model.weights.entries()) expect(Math.abs(weight - TRUE[j])).toBeLessThan(0.1);
    expect(model.bias).toBeCloseTo(-0.5, 1);
    expect(fitLogistic(data, 0)).toEqual(model);
  });

  it("ends where the gradient is 0, weights and ridge included", () => {
    const ridge = 0.01;
    const weights = Float64Array.from({ length: 20_000 }, (_, i) => 1 + (i % 3));
    const model = fitLogistic({ ...data, weights }, ridge);
    const odds = logOdds(model, data.rows);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const gradient = model.weights.map((weight) => ridge * total * weight);
    let free = 0;
    for (let i = 0; i < odds.length; i++) {
      const slope = weights[i] * (1 / (1 + Math.exp(-odds[i])) - data.labels[i]);
      free += slope;
      for (let j = 0; j < COLUMNS; j++) {
        gradient[j] += (slope * (data.rows[i * COLUMNS + j] - model.centre[j])) / model.scale[j];
      }
    }
    for (const slope of [...gradient, free]) expect(Math.abs(slope) / total).toBeLessThan(1e-6);
  });

  it("shrinks with the ridge, stays finite where the labels can be told apart, and needs both", () => {
    const size = (ridge: number) => Math.hypot(...fitLogistic(data, ridge).weights);
    expect(size(1)).toBeLessThan(size(0.01) / 2);
    const apart = { rows: Float32Array.of(-1, -2, 1, 2), columns: 1, weights: [1, 1, 1, 1] };
    const model = fitLogistic({ ...apart, labels: [0, 0, 1, 1] }, 1e-3);
    expect(logOdds(model, apart.rows).map(Math.sign)).toEqual(Float64Array.of(-1, -1, 1, 1));
    expect(() => fitLogistic({ ...apart, labels: [0, 0, 0, 0] }, 1e-3)).toThrow("both labels");
    expect(() => logOdds({ ...model, weights: [1, 1, 1] }, apart.rows)).toThrow("3 columns");
  });
});
