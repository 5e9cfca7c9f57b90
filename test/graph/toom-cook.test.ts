import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { type FilterMatrices, minimalFilter } from "../../src/graph/lowering/toom-cook.ts";

const CHANNELS = 64;
const TILES = 40;

const exact = (value: number) => value;

/** One 2-D tile by the matrices, summed over channels; every product and sum is rounded by `round`. */
function filtered(matrices: FilterMatrices, images: number[][][], taps: number[][][], round: (v: number) => number) {
  const rounded = (matrix: number[][]) => matrix.map((row) => row.map(round));
  const multiplied = (a: number[][], b: number[][]) =>
    a.map((row) => b[0].map((_, j) => row.reduce((sum, value, k) => round(sum + round(value * b[k][j])), 0)));
  const both = (matrix: number[][], x: number[][]) => multiplied(multiplied(matrix, x), transposed(matrix));
  const [input, filter, output] = [matrices.input, matrices.filter, matrices.output].map(rounded);
  const sums = input.map(() => input.map(() => 0));
  for (const [c, image] of images.entries()) {
    const [v, u] = [both(input, image), both(filter, taps[c])];
    for (const [i, row] of sums.entries())
      for (const j of row.keys()) row[j] = round(row[j] + round(v[i][j] * u[i][j]));
  }
  return both(output, sums);
}

function transposed(matrix: number[][]): number[][] {
  return matrix[0].map((_, j) => matrix.map((row) => row[j]));
}

function byDefinition(outputs: number, images: number[][][], taps: number[][][]): number[][] {
  const one = (i: number, j: number) =>
    images.reduce(
      (sum, image, c) => sum + taps[c].flatMap((row, a) => row.map((tap, b) => tap * image[i + a][j + b])).reduce(add),
      0,
    );
  return Array.from({ length: outputs }, (_, i) => Array.from({ length: outputs }, (_, j) => one(i, j)));
}

const add = (a: number, b: number) => a + b;

/** Root of the mean square of what float32 is off by, relative to that of the results. */
function rounding(points: readonly number[]): number {
  const outputs = points.length - 1;
  const matrices = minimalFilter(outputs, points);
  const random = new Random(7);
  const square = (side: number, value: () => number) =>
    Array.from({ length: side }, () => Array.from({ length: side }, () => Math.fround(value())));
  let [error, size] = [0, 0];
  for (let tile = 0; tile < TILES; tile++) {
    const images = Array.from({ length: CHANNELS }, () => square(outputs + 2, () => Math.max(0, random.normal())));
    const taps = Array.from({ length: CHANNELS }, () => square(3, () => random.normal() / Math.sqrt(9 * CHANNELS)));
    const expected = byDefinition(outputs, images, taps);
    for (const [i, row] of filtered(matrices, images, taps, Math.fround).entries())
      for (const [j, value] of row.entries()) {
        error += (value - expected[i][j]) ** 2;
        size += expected[i][j] ** 2;
      }
  }
  return Math.sqrt(error / size);
}

describe("minimal filtering's matrices", () => {
  it.each([
    [2, [0, 1, -1]],
    [4, [0, 1, -1, 2, -2]],
    [4, [0, 2 / 3, -2 / 3, 3 / 2, -3 / 2]],
  ])("give the definition's %i outputs from the points %j", (outputs, points) => {
    const random = new Random(3);
    const square = (side: number) =>
      Array.from({ length: side }, () => Array.from({ length: side }, () => random.normal()));
    const [images, taps] = [[square(outputs + 2)], [square(3)]];
    const expected = byDefinition(outputs, images, taps).flat();
    const found = filtered(minimalFilter(outputs, points), images, taps, exact).flat();
    for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i], 10);
  });

  it("want as many points as outputs and one", () => {
    expect(() => minimalFilter(4, [0, 1, -1])).toThrow("4 outputs need 5 points, not 3");
  });

  it("round less by our points than by the usual ones", () => {
    const [ours, usual, small] = [
      [0, 2 / 3, -2 / 3, 3 / 2, -3 / 2],
      [0, 1, -1, 2, -2],
      [0, 1, -1],
    ].map(rounding);
    expect(ours).toBeLessThan(0.6 * usual);
    expect(ours).toBeLessThan(5 * small);
  });
});
