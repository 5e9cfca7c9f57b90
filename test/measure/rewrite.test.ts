import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { convUnits } from "../../src/graph/network.ts";
import type { ImageSet } from "../../src/images/image-set.ts";
import { encodeAll } from "../../src/measure/batches.ts";
import { createRunner, type OrtRunner } from "../../src/measure/ort-runner.ts";
import { functionDistance, rewriteBatchNorm } from "../../src/measure/rewrite.ts";
import { storedStatistics } from "../../src/measure/statistics.ts";
import { keptOn } from "../../src/store/verify/rules/discreet.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { classification } from "../../src/tasks/classification/task.ts";
import { firstOffGrid, onGrid } from "../../src/tensor/half-grid.ts";
import { cloneState, type StateDict, tensorOf } from "../../src/tensor/state.ts";
import { randomState, relativeError } from "../graph/programs.ts";

const network = buildNetwork("resnet18w4", 10);
const normalization = { mean: [0.5, 0.4, 0.3], std: [0.25, 0.2, 0.3] } as const;

function noise(count: number): ImageSet {
  const random = new Random(5);
  const pixels = Uint8Array.from({ length: count * 3 * 32 * 32 }, () => random.below(256));
  return { count, height: 32, width: 32, pixels, labels: new Uint8Array(count) };
}

/** A channel without input: its pre-activation is constant. conv1:1 has no filter, layer2.0.conv1 gets nothing of 2. */
function withConstantChannels(state: StateDict): StateDict {
  const copy = cloneState(state);
  copy.get("conv1.weight")!.data.fill(0, 27, 54);
  const { data, shape } = copy.get("layer2.0.conv1.weight")!;
  data.fill(0, 0, data.length / shape[0]);
  return copy;
}

describe("batch-norm statistics of a model's own", () => {
  const images = noise(12);
  const state = withConstantChannels(randomState(network, 3));
  let runner: OrtRunner;
  let rewritten: StateDict;
  beforeAll(async () => {
    runner = await createRunner(classification, network, normalization as never, { threads: 1 });
    rewritten = rewriteBatchNorm(network, state, await runner.preActivations(state, images));
  });
  afterAll(() => runner.release());

  it("are mean and variance of the convolution's output, as brute force has them", async () => {
    const { mean, variance } = (await runner.preActivations(state, images)).get("conv1")!;
    const pixels = encodeAll({ task: classification, normalization: normalization as never }, images);
    const { data: weight } = tensorOf(state, "conv1.weight");
    for (let c = 0; c < 4; c++) {
      const values: number[] = [];
      for (let n = 0; n < images.count; n++) {
        for (let y = 0; y < 32; y++) {
          for (let x = 0; x < 32; x++) values.push(convolve(pixels, weight, n, c, y, x));
        }
      }
      const centre = values.reduce((sum, v) => sum + v, 0) / values.length;
      const spread = values.reduce((sum, v) => sum + (v - centre) ** 2, 0) / values.length;
      expect(mean[c]).toBeCloseTo(centre, 5);
      expect(variance[c]).toBeCloseTo(spread, 4);
    }
    // A constant channel: at most the roundings of a sum of 1,024 times its distance from the stored mean.
    const stored = Math.abs(tensorOf(state, "bn1.running_mean").data[1]);
    const rounding = 1024 * 2 ** -24;
    expect(Math.abs(mean[1])).toBeLessThan(rounding * stored);
    expect(variance[1]).toBeLessThan(2 * rounding * stored ** 2);
  });

  it("are what the rewritten model holds, and then the mean of a unit's output is β", async () => {
    const own = await runner.preActivations(rewritten, images);
    for (const [id, { mean, variance }] of storedStatistics(network, rewritten)) {
      expect(relativeError(Float32Array.from(mean), Float32Array.from(own.get(id)!.mean))).toBeLessThan(1e-4);
      expect(relativeError(Float32Array.from(variance), Float32Array.from(own.get(id)!.variance))).toBeLessThan(1e-4);
    }
    const taps = await runner.taps(rewritten, images, "mean");
    for (const unit of convUnits(network).filter(({ relu }) => !relu)) {
      const mean = new Float32Array(unit.out);
      taps.get(unit.id)!.forEach((value, i) => {
        mean[i % unit.out] += value / images.count;
      });
      expect(relativeError(mean, tensorOf(rewritten, `${unit.bn}.bias`).data)).toBeLessThan(1e-4);
    }
  });

  it("change no logit by more than float32's rounding, and nothing but the batch norms", async () => {
    expect(relativeError(await runner.outputs(rewritten, images), await runner.outputs(state, images))).toBeLessThan(
      1e-5,
    );
    expect(functionDistance(network, state, rewritten)).toBeLessThan(1e-6);
    let moved = 0;
    for (const [key, { data }] of state) {
      const same = Buffer.from(data.buffer).equals(Buffer.from(rewritten.get(key)!.data.buffer));
      if (same) expect(key).toMatch(/conv|shortcut\.0|fc|linear/);
      else moved++;
    }
    expect(moved).toBe(4 * convUnits(network).length);
  });

  it("lie on the grid of half precision where they are to, and then keep the function to its rounding", async () => {
    const half = onGrid(state, "half");
    // Gains below the smallest that half precision holds in full, and none.
    half.get("layer2.0.bn1.weight")!.data.set([3 * 2 ** -24, 0, -(2 ** -24)]);
    const mine = rewriteBatchNorm(network, half, await runner.preActivations(half, images), "half");
    expect(firstOffGrid(mine, "half")).toBeNull();
    expect(functionDistance(network, half, mine)).toBeGreaterThan(keptOn(undefined));
    expect(functionDistance(network, half, mine, {}, "half")).toBeLessThanOrEqual(keptOn("half") / 4);
    expect(relativeError(await runner.outputs(mine, images), await runner.outputs(half, images))).toBeLessThan(1e-2);
  });

  it("are undone by the old ones", () => {
    const back = rewriteBatchNorm(network, rewritten, storedStatistics(network, state));
    for (const [key, { data }] of state) expect(relativeError(back.get(key)!.data, data), key).toBeLessThan(1e-5);
  });

  it("tell another function by its gain or its shift", () => {
    for (const part of ["weight", "bias"]) {
      const other = cloneState(rewritten);
      other.get(`layer3.0.bn2.${part}`)!.data[5] += 0.01;
      expect(functionDistance(network, state, other)).toBeGreaterThan(1e-4);
    }
  });
});

it.each(["vgg13w4", "googlenetw8"])(
  "a %s with conv biases keeps its logits and gets its own statistics",
  async (arch) => {
    const other = buildNetwork(arch, 10);
    const runner = await createRunner(classification, other, normalization as never, { threads: 1 });
    const images = noise(6);
    const state = randomState(other, 4);
    const rewritten = rewriteBatchNorm(other, state, await runner.preActivations(state, images));
    expect(convUnits(other).some(({ bias }) => bias)).toBe(true);
    expect(relativeError(await runner.outputs(rewritten, images), await runner.outputs(state, images))).toBeLessThan(
      1e-5,
    );
    const own = await runner.preActivations(rewritten, images);
    for (const [id, { mean }] of storedStatistics(other, rewritten)) {
      expect(relativeError(Float32Array.from(mean), Float32Array.from(own.get(id)!.mean)), id).toBeLessThan(1e-4);
    }
    await runner.release();
  },
);

/** One output of conv1: 3×3, stride 1, padding 1, `[n, 3, 32, 32]` images. */
function convolve(pixels: Float32Array, weight: Float32Array, n: number, c: number, y: number, x: number): number {
  let sum = 0;
  for (let i = 0; i < 27; i++) {
    const [channel, row, column] = [Math.floor(i / 9), y + (Math.floor(i / 3) % 3) - 1, x + (i % 3) - 1];
    if (row < 0 || row > 31 || column < 0 || column > 31) continue;
    sum += weight[c * 27 + i] * pixels[((n * 3 + channel) * 32 + row) * 32 + column];
  }
  return sum;
}
