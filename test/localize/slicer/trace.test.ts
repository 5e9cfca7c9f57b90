import { afterAll, describe, expect, it } from "vitest";
import { Random } from "../../../src/core/random.ts";
import { classifierOf, convUnits, type Network } from "../../../src/graph/network.ts";
import type { ImageSet, Normalization } from "../../../src/images/image-set.ts";
import { averagesOf, deltasOf } from "../../../src/localize/slicer/deltas.ts";
import { effectiveWeights } from "../../../src/localize/slicer/effective-weights.ts";
import { ChannelTracer } from "../../../src/localize/slicer/trace.ts";
import { WeightedSum } from "../../../src/localize/slicer/weighted-sum.ts";
import { encodeAll } from "../../../src/measure/batches.ts";
import { createRunner, type OrtRunner } from "../../../src/measure/ort-runner.ts";
import { buildNetwork } from "../../../src/tasks/classification/models/registry.ts";
import { classification } from "../../../src/tasks/classification/task.ts";
import { type StateDict, tensorOf } from "../../../src/tensor/state.ts";
import { randomState, relativeError } from "../../graph/programs.ts";
import { mixedNetwork } from "./networks.ts";
import { PositionTracer } from "./position-tracer.ts";

const normalization: Normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
const COUNT = 12;

function pictures(side: number, seed: number): ImageSet {
  const random = new Random(seed);
  const pixels = Uint8Array.from({ length: COUNT * 3 * side * side }, () => random.below(256));
  return { count: COUNT, height: side, width: side, pixels, labels: new Uint8Array(COUNT) };
}

const runners: OrtRunner[] = [];
afterAll(async () => {
  for (const runner of runners) await runner.release();
});

async function runnerOf(network: Network): Promise<OrtRunner> {
  const runner = await createRunner(classification, network, normalization, { threads: 1 });
  runners.push(runner);
  return runner;
}

/** CONTRIB of the units' channels, image by image. */
async function byChannels(network: Network, state: StateDict, images: ImageSet, theta: number) {
  const profile = await (await runnerOf(network)).profile(state, images);
  const tracer = new ChannelTracer(network, effectiveWeights(network, state), theta);
  const found: Record<string, number[]>[] = [];
  for (const deltas of deltasOf(network, profile, averagesOf(network, profile), classification)) {
    const contributions = tracer.trace(deltas);
    found.push(Object.fromEntries(convUnits(network).map(({ id }) => [id, [...contributions.get(id)!]])));
  }
  return found;
}

function byPositions(network: Network, state: StateDict, images: ImageSet, theta: number) {
  const values = encodeAll({ task: classification, normalization }, images);
  const size = values.length / images.count;
  const each = Array.from({ length: images.count }, (_, i) =>
    Float64Array.from(values.subarray(i * size, (i + 1) * size)),
  );
  return new PositionTracer(network, state, theta)
    .trace(each)
    .map((one) => Object.fromEntries(convUnits(network).map(({ id }) => [id, [...one.get(id)!]])));
}

describe("tracing by channels", () => {
  it.each([0, 0.3, 0.7])("equals tracing by positions where a map is one position, θ = %s", async (theta) => {
    const network = mixedNetwork(1, 1);
    for (const seed of [1, 2, 3]) {
      const [state, images] = [randomState(network, seed), pictures(1, 10 + seed)];
      const found = await byChannels(network, state, images, theta);
      expect(found).toEqual(byPositions(network, state, images, theta));
      // Not all alike, and more than signs: what several channels read adds up.
      expect(new Set(found.flatMap((one) => one.stem)).size).toBeGreaterThan(2);
    }
  });

  it("keeps the sign of γ, which a pass through batch norm as a layer of its own loses", async () => {
    const network = mixedNetwork(1, 1);
    const [state, images] = [randomState(network, 1), pictures(1, 11)];
    tensorOf(state, "c.1.bn.weight").data.fill(-1);
    expect(await byChannels(network, state, images, 0)).not.toEqual(byPositions(network, state, images, 0));
  });

  it("agrees with positions on the sign of a channel's contribution more often than not", async () => {
    const network = mixedNetwork(4, 3);
    let [alike, other] = [0, 0];
    for (const seed of [1, 2, 3]) {
      const [state, images] = [randomState(network, seed), pictures(4, 20 + seed)];
      const positions = byPositions(network, state, images, 0.3);
      for (const [i, channels] of (await byChannels(network, state, images, 0.3)).entries()) {
        const area = 16;
        for (const layer of ["c.1", "c.shortcut"]) {
          for (const [c, value] of channels[layer].entries()) {
            const sum = positions[i][layer].slice(c * area, (c + 1) * area).reduce((total, v) => total + v, 0);
            if (Math.sign(sum) * Math.sign(value) > 0) alike++;
            if (Math.sign(sum) * Math.sign(value) < 0) other++;
          }
        }
      }
    }
    expect(alike).toBeGreaterThan(3 * other);
  });

  it("gives nothing to a channel that nothing reads, and all of it to one behind a chain", async () => {
    const network = mixedNetwork(4, 3);
    const state = randomState(network, 5);
    // Nobody reads channel 1 of b.2, the fifth of six of the concatenation's first parts.
    for (const [unit, taps] of [
      ["c.1", 9],
      ["c.shortcut", 1],
    ] as const) {
      const { data, shape } = tensorOf(state, `${unit}.weight`);
      for (let o = 0; o < shape[0]; o++) data.fill(0, (o * shape[1] + 4) * taps, (o * shape[1] + 5) * taps);
    }
    for (const one of await byChannels(network, state, pictures(4, 30), 0)) {
      expect(one["b.2"][1]).toBe(0);
      expect(one["b.1"].some((value) => value !== 0)).toBe(true);
    }
  });
});

describe("a weighted sum", () => {
  const share = (theta: number, change: number, weights: number[], changes: number[], contribution = 1) => {
    const into = new Float64Array(weights.length);
    new WeightedSum(theta).share(contribution, change, Float64Array.from(weights), Float64Array.from(changes), into);
    return [...into];
  };

  it("with θ = 0 keeps every term that is not zero", () => {
    expect(share(0, 1e-9, [1e-30, -5, 0, 2], [1, 1, 1, -1])).toEqual([1, -1, 0, -1]);
  });

  it("drops the smallest terms as long as they come to no more than θ·|Δ|", () => {
    // Ascending 1, 2, 3, 10: 1 + 2 = 3 = 0.3·10.
    expect(share(0.3, 10, [10, 1, -2, 3], [1, 1, 1, 1])).toEqual([1, 0, 0, 1]);
    expect(share(0.29, -10, [10, 1, -2, 3], [1, 1, 1, 1])).toEqual([-1, 0, 1, -1]);
    expect(share(5, 10, [10, 1, -2, 3], [1, 1, 1, 1])).toEqual([0, 0, 0, 0]);
    expect(share(0.3, 10, [10, 1, -2, 3], [1, 1, 1, 1], -7)).toEqual([-1, 0, 0, -1]);
  });

  it("treats equal terms equally", () => {
    expect(share(0.3, 10, [2, 2, 9], [1, 1, 1])).toEqual([1, 1, 1]);
  });
});

describe.each(["resnet18w4", "googlenetw8", "vgg13w4"])("a profile of %s", (arch) => {
  it("holds the units' means and what the classifier reads", async () => {
    const network = buildNetwork(arch, 7);
    const state = randomState(network, 3);
    const images = pictures(32, 4);
    const runner = await runnerOf(network);
    const { features, norms, outputs } = await runner.profile(state, images);
    const taps = await runner.taps(state, images, "mean");
    for (const { id, relu } of convUnits(network)) {
      expect(relativeError(features.get(id)!, taps.get(id)!), id).toBeLessThan(1e-5);
      // ReLU only raises a mean.
      for (const [i, y] of features.get(id)!.entries()) {
        if (relu) expect(y - norms.get(id)![i]).toBeGreaterThan(-1e-4);
      }
    }
    expect(relativeError(outputs, await runner.outputs(state, images))).toBeLessThan(1e-5);
    const { id, input } = classifierOf(network);
    const pool = network.nodes.find((node) => node.id === input)!;
    const read = features.get(pool.op === "globalpool" ? pool.input : "")!;
    const width = read.length / COUNT;
    const [weight, bias] = [tensorOf(state, `${id}.weight`).data, tensorOf(state, `${id}.bias`).data];
    const expected = Float32Array.from({ length: COUNT * 7 }, (_, at) => {
      const [i, k] = [Math.floor(at / 7), at % 7];
      return read.subarray(i * width, (i + 1) * width).reduce((sum, v, c) => sum + v * weight[k * width + c], bias[k]);
    });
    expect(relativeError(outputs, expected)).toBeLessThan(1e-4);
  });
});
