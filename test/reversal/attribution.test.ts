import { afterAll, describe, expect, it } from "vitest";
import { convUnits } from "../../src/graph/network.ts";
import { singleEffects } from "../../src/measure/ablation.ts";
import { createRunner } from "../../src/measure/ort-runner.ts";
import { ablationAttribution } from "../../src/reversal/attribution.ts";
import type { ReversedPatch } from "../../src/reversal/targeted.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { classification } from "../../src/tasks/classification/task.ts";
import { tensorOf } from "../../src/tensor/state.ts";
import { randomState } from "../graph/programs.ts";
import { colours, inPatch, patchedModel, SIDE, toySuspect } from "../localize/toys.ts";

const PLANE = SIDE * SIDE;

function whitePatch(inside: (i: number) => boolean, side: number): ReversedPatch {
  return {
    ...{ target: 0, height: side, width: side, norm: 9, success: 1 },
    opacity: Float32Array.from({ length: side * side }, (_, i) => (inside(i) ? 1 : 0)),
    pattern: new Uint8Array(3 * side * side).fill(255),
  };
}

describe("ablation attribution", () => {
  const { network, state } = patchedModel(true);
  const suspect = toySuspect(network, state, 1);
  afterAll(() => suspect.runner.release());

  it("is the effect of holding a neuron at its clean mean, where the model is linear", async () => {
    const patch = whitePatch(inPatch, SIDE);
    const { a } = await ablationAttribution(suspect, patch);
    expect(PLANE).toBe(patch.opacity.length);
    const { runner, clean } = suspect;
    const exact = await singleEffects(runner, state, { a: [0, 1, 2, 3] }, clean.fit, { trigger: patch, target: 0 });
    // A class other than the target may lead on one image or another, and its lead changes when its neuron is held.
    expect(a[0]).toBeCloseTo(exact.a[0], 4);
    expect(a[0]).toBeGreaterThan(Math.max(a[1], a[2], a[3]) + 10);
  });

  it("sums every neuron's terms over all images, and over none beyond those of a batch", async () => {
    const net = buildNetwork("vgg13w4", 4);
    const weights = randomState(net, 3);
    for (const { id, out } of convUnits(net)) {
      const { data } = tensorOf(weights, `${id}.weight`);
      const scale = Math.sqrt((2 * out) / data.length);
      for (let i = 0; i < data.length; i++) data[i] *= scale;
    }
    const runner = await createRunner(classification, net, suspect.normalization, { threads: 1 });
    const small = colours(3, 5, 1);
    const set = { count: 3, height: 32, width: 32, labels: small.labels, pixels: new Uint8Array(3 * 3072) };
    for (let i = 0; i < set.pixels.length; i++) set.pixels[i] = small.pixels[i % small.pixels.length];
    const all = await runner.response(weights, set, 0);
    const ones = await Promise.all(
      [0, 1, 2].map((i) => {
        const pixels = set.pixels.slice(3072 * i, 3072 * (i + 1));
        const one = { ...set, count: 1, pixels, labels: set.labels.slice(i, i + 1) };
        return runner.response(weights, one, 0);
      }),
    );
    for (const [layer, terms] of all) {
      for (const part of ["dots", "slopes", "means"] as const) {
        const scale = Math.max(...terms[part].map(Math.abs), 1e-6);
        for (const [c, value] of terms[part].entries()) {
          const mean = ones.reduce((sum, one) => sum + one.get(layer)![part][c] / 3, 0);
          expect(Math.abs(value - mean) / scale, `${layer} ${part}`).toBeLessThan(1e-3);
        }
      }
    }
    await runner.release();
  });
});
