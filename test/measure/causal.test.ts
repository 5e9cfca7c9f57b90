import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { badnets } from "../../src/attacks/badnets.ts";
import { stampSet } from "../../src/attacks/stamp.ts";
import type { Trigger } from "../../src/attacks/types.ts";
import { Random } from "../../src/core/random.ts";
import { subset } from "../../src/datasets/batch.ts";
import type { ImageSet, Normalization } from "../../src/datasets/types.ts";
import { convUnits, neuronLayers } from "../../src/graph/network.ts";
import { cutPoints } from "../../src/graph/suffix.ts";
import { singleEffects } from "../../src/measure/ablation.ts";
import { conductance } from "../../src/measure/conductance.ts";
import { createRunner, type OrtRunner } from "../../src/measure/ort-runner.ts";
import { patchedRate } from "../../src/measure/patching.ts";
import { countTarget } from "../../src/measure/rates.ts";
import { buildNetwork } from "../../src/models/registry.ts";
import { cloneState, type StateDict, tensorOf } from "../../src/tensor/state.ts";
import { randomState } from "../graph/programs.ts";

const CLASSES = 4;
const TARGET = 0;
const network = buildNetwork("resnet18w16", CLASSES);
const normalization: Normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
const state = randomState(network, 11);

function randomImages(count: number, seed: number): ImageSet {
  const random = new Random(seed);
  const pixels = Uint8Array.from({ length: count * 3072 }, () => random.below(256));
  const labels = Uint8Array.from({ length: count }, () => 1 + random.below(CLASSES - 1));
  return { count, height: 32, width: 32, pixels, labels };
}

/** `f_t − max_{j≠t} f_j`, mean over images. */
async function meanResponse(runner: OrtRunner, model: StateDict, images: ImageSet): Promise<number> {
  const logits = await runner.logits(model, images);
  let sum = 0;
  for (let i = 0; i < images.count; i++) {
    const row = logits.subarray(i * CLASSES, (i + 1) * CLASSES);
    sum += row[TARGET] - Math.max(...row.subarray(1));
  }
  return sum / images.count;
}

describe("what holds by definition of the measurements", () => {
  let runner: OrtRunner;
  let trigger: Trigger;
  const images = randomImages(6, 12);

  beforeAll(async () => {
    runner = await createRunner(network, normalization, { threads: 1 });
    trigger = await badnets.makeTrigger({ height: 32, width: 32, random: new Random(1), options: { side: 3 } });
  });
  afterAll(() => runner.release());

  it("contribution is |∂CE/∂m| of a multiplier m on the neuron's batch-norm output", async () => {
    const one = subset(images, [0]);
    const found = await runner.contribution(state, one);
    const loss = async (model: StateDict) => {
      const logits = await runner.logits(model, one);
      const highest = Math.max(...logits);
      const total = logits.reduce((sum, v) => sum + Math.exp(v - highest), 0);
      return Math.log(total) + highest - logits[one.labels[0]];
    };
    for (const [id, channel] of [
      ["conv1", 3],
      ["layer2.0.conv2", 5],
      ["layer3.0.shortcut.0", 7],
      ["layer4.1.conv2", 9],
    ] as const) {
      const unit = convUnits(network).find((candidate) => candidate.id === id)!;
      const scaled = (factor: number) => {
        const model = cloneState(state);
        tensorOf(model, `${unit.bn}.weight`).data[channel] *= factor;
        tensorOf(model, `${unit.bn}.bias`).data[channel] *= factor;
        return model;
      };
      const slope = ((await loss(scaled(1.001))) - (await loss(scaled(0.999)))) / 0.002;
      const expected = Math.abs(slope);
      expect(Math.abs(found.get(id)![channel] - expected), id).toBeLessThan(0.02 + 0.1 * expected);
    }
  });

  it("conductance of a layer that cuts the graph sums to the change of the response", async () => {
    const found = await conductance(runner, state, images, trigger, TARGET);
    const triggered = stampSet(trigger, images);
    const change = (await meanResponse(runner, state, triggered)) - (await meanResponse(runner, state, images));
    const sum = found.get("conv1")!.reduce((total, value) => total + value, 0);
    expect(cutPoints(network)).toContain("conv1");
    expect(Math.abs(sum - change)).toBeLessThan(0.02 + 0.1 * Math.abs(change));
  });

  it("patching every neuron gives the clean answers, patching none the triggered ones", async () => {
    const others = randomImages(70, 13);
    const all = Object.fromEntries(neuronLayers(network).map(({ name, width }) => [name, [...Array(width).keys()]]));
    const clean = countTarget(await runner.logits(state, others), others.count, TARGET) / others.count;
    const triggered =
      countTarget(await runner.logits(state, stampSet(trigger, others)), others.count, TARGET) / others.count;
    expect(await patchedRate(runner, state, all, others, trigger, TARGET)).toBe(clean);
    expect(await patchedRate(runner, state, {}, others, trigger, TARGET)).toBe(triggered);
  });

  it("the single effect equals that of the whole network with the neuron's output held at its clean mean", async () => {
    const wanted = { conv1: [2], "layer2.1.conv1": [4, 30], "layer4.1.conv1": [100] };
    const found = await singleEffects(runner, state, wanted, images, trigger, TARGET);
    const taps = await runner.taps(state, images, "mean");
    const triggered = stampSet(trigger, images);
    for (const [id, channels] of Object.entries(wanted)) {
      const unit = convUnits(network).find((candidate) => candidate.id === id)!;
      for (const [k, channel] of channels.entries()) {
        const values = taps.get(id)!.filter((_, i) => i % unit.out === channel);
        const mean = values.reduce((sum, v) => sum + v, 0) / images.count;
        // After a ReLU the mean is not negative, so γ = 0, β = mean holds the activation there.
        const held = cloneState(state);
        tensorOf(held, `${unit.bn}.weight`).data[channel] = 0;
        tensorOf(held, `${unit.bn}.bias`).data[channel] = mean;
        const fall = async (set: ImageSet) =>
          (await meanResponse(runner, state, set)) - (await meanResponse(runner, held, set));
        expect(found[id][k]).toBeCloseTo((await fall(triggered)) - (await fall(images)), 4);
      }
    }
  });
});
