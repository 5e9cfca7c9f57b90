import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { indexNeurons, topK } from "../../src/core/neuron-index.ts";
import { Random } from "../../src/core/random.ts";
import { convUnits } from "../../src/graph/network.ts";
import { clp } from "../../src/localize/criteria/clp.ts";
import { weightFloor } from "../../src/localize/criteria/weight-floor.ts";
import { weightNorm } from "../../src/localize/criteria/weight-norm.ts";
import { largestEigenvalue } from "../../src/localize/largest-eigenvalue.ts";
import { spectralNorm, spectralNorms } from "../../src/localize/spectral-norm.ts";
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
      fc.property(
        fc.integer(),
        fc.constantFrom(1, 4, 9, 25),
        fc.integer({ min: 1, max: 12 }),
        (seed, columns, rows) => {
          const random = new Random(seed);
          const matrix = Float32Array.from({ length: rows * columns }, () => random.normal());
          expect(spectralNorm(matrix, columns) / bruteSpectralNorm(matrix, columns)).toBeCloseTo(1, 12);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("takes each of several matrices by itself", () => {
    const random = new Random(11);
    const matrices = Float32Array.from({ length: 5 * 4 * 9 }, () => random.normal());
    const each = Array.from({ length: 5 }, (_, c) => bruteSpectralNorm(matrices.subarray(c * 36, (c + 1) * 36), 9));
    const found = spectralNorms(matrices, 5, 9);
    for (const [c, norm] of each.entries()) expect(found[c] / norm).toBeCloseTo(1, 12);
  });

  it("is the L2 norm of a 1×1 kernel and 0 of a dead filter", () => {
    expect(spectralNorm(Float32Array.of(3, 0, 4), 1)).toBe(5);
    expect(spectralNorm(new Float32Array(18), 9)).toBe(0);
  });

  it("keeps its digits for filters of any size", () => {
    const random = new Random(12);
    const filter = Float32Array.from({ length: 36 }, () => random.normal());
    for (const scale of [2 ** -100, 2 ** -60, 2 ** 60]) {
      const scaled = filter.map((w) => w * scale);
      expect(spectralNorm(scaled, 9) / scale / spectralNorm(filter, 9)).toBeCloseTo(1, 12);
    }
  });

  it("is no number where a weight is none", () => {
    expect(spectralNorm(new Float32Array(18).fill(Number.NaN), 9)).toBeNaN();
  });
});

describe("largest eigenvalue", () => {
  /** QᵀΛQ of random rotations Q. */
  function turned(eigenvalues: number[], random: Random): Float64Array {
    const n = eigenvalues.length;
    const a = new Float64Array(n * n);
    for (const [i, value] of eigenvalues.entries()) a[i * n + i] = value;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const angle = 2 * Math.PI * random.uniform();
        const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
        for (let k = 0; k < n; k++) {
          const [x, y] = [a[k * n + p], a[k * n + q]];
          a[k * n + p] = cos * x - sin * y;
          a[k * n + q] = sin * x + cos * y;
        }
        for (let k = 0; k < n; k++) {
          const [x, y] = [a[p * n + k], a[q * n + k]];
          a[p * n + k] = cos * x - sin * y;
          a[q * n + k] = sin * x + cos * y;
        }
      }
    }
    return a;
  }

  it.each([
    ["spread", [9, 8, 7, 6, 5, 4, 3, 2, 1]],
    ["rank one", [3, 0, 0, 0, 0, 0, 0, 0, 0]],
    ["all equal", [2, 2, 2, 2, 2, 2, 2, 2, 2]],
    ["largest twice", [5, 5, 1, 1, 0.5, 0.1, 0, 0, 0]],
    ["largest almost twice", [5, 5 - 1e-9, 5 - 1e-13, 1, 0.5, 0.1, 0, 0, 0]],
    ["far apart", [1, 1e-6, 1e-12, 1e-18, 0, 0, 0, 0, 0]],
    ["of both signs", [2, -5, 1, -4, 0, 0, 0, 0, 0]],
    ["none above zero", [-1, -2, -3, -4, -5, -6, -7, -8, -9]],
  ])("is found where they are %s", (_, eigenvalues) => {
    const largest = Math.max(...eigenvalues);
    for (let seed = 0; seed < 20; seed++) {
      expect(largestEigenvalue(turned(eigenvalues, new Random(seed)), 9) / largest).toBeCloseTo(1, 12);
    }
  });

  it("is exact for matrices of one and two rows", () => {
    expect(largestEigenvalue(Float64Array.of(-3), 1)).toBeCloseTo(-3, 12);
    expect(largestEigenvalue(Float64Array.of(1, 2, 2, 1), 2)).toBeCloseTo(3, 12);
    expect(largestEigenvalue(Float64Array.of(-5, 0, 0, 2), 2)).toBeCloseTo(2, 12);
    expect(largestEigenvalue(new Float64Array(4), 2)).toBe(0);
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
        expect(raw[unit.id][c]).toBeCloseTo((norm * Math.abs(gamma)) / Math.sqrt(variance + 1e-5), 10);
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
