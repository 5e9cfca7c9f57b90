import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { indexNeurons, topK } from "../../src/core/neuron-index.ts";
import { bnp, symmetricKl } from "../../src/localize/criteria/bnp.ts";
import { storedStatistics } from "../../src/measure/statistics.ts";
import { layers, network, randomState, suspectOf } from "./suspects.ts";

const EPSILON = 1e-5;

/** KL(N(m, v) ‖ N(n, w)), the textbook's. */
const kl = (m: number, v: number, n: number, w: number) => 0.5 * (Math.log(w / v) + (v + (m - n) ** 2) / w - 1);

describe("symmetric KL divergence", () => {
  const mean = fc.double({ min: -3, max: 3, noNaN: true });
  const variance = fc.double({ min: 0.01, max: 9, noNaN: true });
  it("is the sum of both directions, ε in both variances", () => {
    fc.assert(
      fc.property(mean, variance, mean, variance, (m, v, n, w) => {
        const both = kl(m, v + EPSILON, n, w + EPSILON) + kl(n, w + EPSILON, m, v + EPSILON);
        expect(symmetricKl(m, v, n, w)).toBeCloseTo(both, 6);
      }),
    );
  });

  it("is 0 of one distribution and finite of constants", () => {
    expect(symmetricKl(0.7, 2, 0.7, 2)).toBe(0);
    expect(symmetricKl(0, 0, 0, 0)).toBe(0);
    expect(symmetricKl(1, 0, 0, 0)).toBeCloseTo(1e5, 0);
  });
});

describe("bnp", () => {
  it("names the one channel whose stored statistics are not those of the clean samples", async () => {
    const state = randomState(7);
    const found = storedStatistics(network, state);
    // Samples differ a little everywhere, and much at one neuron.
    for (const [id, { mean, variance }] of found) {
      for (let c = 0; c < mean.length; c++) {
        mean[c] += 0.01 * Math.sqrt(variance[c]) * (c % 2 === 0 ? 1 : -1) * (1 + (c % 3));
        if (id === "layer3.0.conv2" && c === 6) mean[c] += 5;
      }
    }
    const suspect = suspectOf(state, {
      preActivations: async (given, images) => {
        expect(given).toBe(suspect.state);
        expect(images).toBe(suspect.clean.fit);
        return found;
      },
    });
    const { scores, native, raw } = await bnp.localize(suspect);
    expect(topK(indexNeurons(layers), scores, 1)).toEqual({ "layer3.0.conv2": [6] });
    expect(native).toEqual({ "layer3.0.conv2": [6] });
    const stored = storedStatistics(network, state).get("conv1")!;
    const own = found.get("conv1")!;
    for (let c = 0; c < 4; c++) {
      const expected = Math.log(symmetricKl(stored.mean[c], stored.variance[c], own.mean[c], own.variance[c]));
      expect(raw.conv1[c]).toBeCloseTo(expected, 10);
    }
  });

  it("has finite numbers where statistics are equal", async () => {
    const state = randomState(8);
    const suspect = suspectOf(state, { preActivations: async () => storedStatistics(network, state) });
    const { scores, native } = await bnp.localize(suspect);
    expect(Object.values(scores).flat().every(Number.isFinite)).toBe(true);
    expect(native).toEqual({});
  });
});
