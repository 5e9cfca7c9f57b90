import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { indexNeurons, topK } from "../../src/core/neuron-index.ts";
import { Random } from "../../src/core/random.ts";
import { convUnits } from "../../src/graph/network.ts";
import { clp } from "../../src/localize/clp.ts";
import { largestEigenvalue, spectralNorm } from "../../src/localize/spectral-norm.ts";
import { weightFloor } from "../../src/localize/weight-floor.ts";
import { weightNorm } from "../../src/localize/weight-norm.ts";
import { maskNeurons } from "../../src/measure/mask.ts";
import { layers, network, randomState, suspectOf } from "./suspects.ts";

const index = indexNeurons(layers);

/** Largest singular value by one-sided Jacobi on the whole matrix: columns are turned until all are orthogonal. */
function bruteSpectralNorm(matrix: ArrayLike<number>, columns: number): number {
  const rows = matrix.length / columns;
  const column = Array.from({ length: columns }, (_, j) =>
    Array.from({ length: rows }, (_, i) => matrix[i * columns + j]),
  );
  const dot = (a: number[], b: number[]) => a.reduce((sum, v, i) => sum + v * b[i], 0);
  for (let sweep = 0; sweep < 60; sweep++) {
    for (let p = 0; p < columns; p++) {
      for (let q = p + 1; q < columns; q++) {
        const [a, b] = [column[p], column[q]];
        const angle = 0.5 * Math.atan2(2 * dot(a, b), dot(a, a) - dot(b, b));
        const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
        column[p] = a.map((v, i) => cos * v + sin * b[i]);
        column[q] = b.map((v, i) => cos * v - sin * a[i]);
      }
    }
  }
  return Math.max(...column.map((a) => Math.sqrt(dot(a, a))));
}

function scaleFilter(state: ReturnType<typeof randomState>, layer: string, channel: number, factor: number): void {
  const { data, shape } = state.get(`${layer}.weight`)!;
  const row = data.length / shape[0];
  for (let i = channel * row; i < (channel + 1) * row; i++) data[i] *= factor;
}

describe("spectral norm", () => {
  it("equals a brute-force singular value decomposition", () => {
    fc.assert(
      fc.property(fc.integer(), fc.constantFrom(1, 4, 9), fc.integer({ min: 1, max: 12 }), (seed, columns, rows) => {
        const random = new Random(seed);
        const matrix = Float32Array.from({ length: rows * columns }, () => random.normal());
        expect(spectralNorm(matrix, columns)).toBeCloseTo(bruteSpectralNorm(matrix, columns), 6);
      }),
      { numRuns: 60 },
    );
  });

  it("is the L2 norm of a 1×1 kernel and 0 of a dead filter", () => {
    expect(spectralNorm([3, 0, 4], 1)).toBe(5);
    expect(spectralNorm(new Float32Array(18), 9)).toBe(0);
  });

  it("takes the largest, not the largest in size, of mixed eigenvalues", () => {
    expect(largestEigenvalue(Float64Array.from([1, 2, 2, 1]), 2)).toBeCloseTo(3, 12);
    expect(largestEigenvalue(Float64Array.from([-5, 0, 0, 2]), 2)).toBe(2);
  });
});

describe("clp", () => {
  it("is norm times |gamma| over the batch norm's deviation, epsilon included", async () => {
    const state = randomState(3);
    const { raw } = await clp.localize(suspectOf(state));
    for (const unit of convUnits(network)) {
      const weight = state.get(`${unit.id}.weight`)!.data;
      const row = weight.length / unit.out;
      for (let c = 0; c < unit.out; c++) {
        const norm = bruteSpectralNorm(weight.subarray(c * row, (c + 1) * row), unit.kernel ** 2);
        const gamma = state.get(`${unit.bn}.weight`)!.data[c];
        const variance = state.get(`${unit.bn}.running_var`)!.data[c];
        expect(raw[unit.id][c]).toBeCloseTo((norm * Math.abs(gamma)) / Math.sqrt(variance + 1e-5), 4);
      }
    }
  });

  it("puts one planted ×10 filter first and names it alone", async () => {
    const state = randomState(4);
    // Equal gains and variances, so that the filters alone decide.
    for (const { bn } of convUnits(network)) {
      state.get(`${bn}.weight`)!.data.fill(1);
      state.get(`${bn}.running_var`)!.data.fill(1);
    }
    scaleFilter(state, "layer3.0.conv2", 6, 10);
    const { scores, native } = await clp.localize(suspectOf(state));
    expect(topK(index, scores, 1)).toEqual({ "layer3.0.conv2": [6] });
    expect(native).toEqual({ "layer3.0.conv2": [6] });
  });

  it("names nothing in a layer of equal channels", async () => {
    const state = randomState(5);
    for (const { data } of state.values()) data.fill(1);
    const { native, scores } = await clp.localize(suspectOf(state));
    expect(native).toEqual({});
    for (const score of Object.values(scores).flat()) expect(Math.abs(score)).toBeLessThan(0.01);
  });
});

describe("weight baselines", () => {
  it.each([weightNorm, weightFloor])(
    "$name puts a planted ×100 filter first and a dead one last, with finite scores",
    async (criterion) => {
      const state = maskNeurons(network, randomState(6), { "layer2.1.conv1": [2] });
      scaleFilter(state, "layer4.0.conv1", 9, 100);
      const { scores, native } = await criterion.localize(suspectOf(state));
      expect(topK(index, scores, 1)).toEqual({ "layer4.0.conv1": [9] });
      const all = Object.values(scores).flat();
      expect(all.every(Number.isFinite)).toBe(true);
      expect(scores["layer2.1.conv1"][2]).toBe(Math.min(...all));
      expect(Object.values(native).flat().length).toBe(Math.round(0.05 * index.size));
    },
  );
});
