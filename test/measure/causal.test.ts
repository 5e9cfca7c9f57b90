import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NeuronSet } from "../../src/core/neurons.ts";
import { Random } from "../../src/core/random.ts";
import { convUnits, neuronLayers } from "../../src/graph/network.ts";
import { cutPoints } from "../../src/graph/suffix.ts";
import { subset } from "../../src/images/batch.ts";
import type { ImageSet, Normalization } from "../../src/images/image-set.ts";
import { stampSet } from "../../src/images/trigger/stamp.ts";
import type { PaintedTrigger } from "../../src/images/trigger/trigger.ts";
import { singleEffects } from "../../src/measure/ablation.ts";
import { shareInClass } from "../../src/measure/classes.ts";
import { conductance } from "../../src/measure/conductance.ts";
import { createRunner, type OrtRunner } from "../../src/measure/ort-runner.ts";
import { patchedRate } from "../../src/measure/patching.ts";
import { badnets } from "../../src/tasks/classification/attacks/badnets.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { classification } from "../../src/tasks/classification/task.ts";
import { cloneState, type StateDict, tensorOf } from "../../src/tensor/state.ts";
import { randomState } from "../graph/programs.ts";
import { LONG } from "../setup/long.ts";

const CLASSES = 4;
const TARGET = 0;
const normalization: Normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };

/** Some neurons of each, in parts of the network that differ in what follows them, and a layer that cuts the graph. */
const NETWORKS: { arch: string; scaled: Record<string, number>; cut: string; held: NeuronSet }[] = [
  {
    arch: "resnet18w16",
    scaled: { conv1: 3, "layer2.0.conv2": 5, "layer3.0.shortcut.0": 7, "layer4.1.conv2": 9 },
    cut: "conv1",
    held: { conv1: [2], "layer2.1.conv1": [4, 30], "layer4.1.conv1": [100] },
  },
  {
    arch: "googlenetw8",
    scaled: { "pre_layers.0": 3, "a3.b3.0": 1, "b3.b1.0": 5, "c4.b4.1": 2, "b5.b3.6": 7 },
    cut: "pre_layers.0",
    held: { "pre_layers.0": [2], "b3.b4.1": [1, 6], "e4.b2.0": [11], "b5.b1.0": [30] },
  },
  {
    arch: "vgg13w8",
    scaled: { "features.0": 3, "features.10": 5, "features.31": 9 },
    cut: "features.3",
    held: { "features.0": [2], "features.17": [4, 30], "features.31": [50] },
  },
];

function randomImages(count: number, seed: number): ImageSet {
  const random = new Random(seed);
  const pixels = Uint8Array.from({ length: count * 3072 }, () => random.below(256));
  const labels = Uint8Array.from({ length: count }, () => 1 + random.below(CLASSES - 1));
  return { count, height: 32, width: 32, pixels, labels };
}

/** `f_t − max_{j≠t} f_j`, mean over images. */
async function meanResponse(runner: OrtRunner, model: StateDict, images: ImageSet): Promise<number> {
  const logits = await runner.outputs(model, images);
  let sum = 0;
  for (let i = 0; i < images.count; i++) {
    const row = logits.subarray(i * CLASSES, (i + 1) * CLASSES);
    sum += row[TARGET] - Math.max(...row.subarray(1));
  }
  return sum / images.count;
}

describe.each(NETWORKS.filter(({ arch }) => LONG || arch !== "googlenetw8"))(
  "what holds by definition of the measurements on $arch",
  ({ arch, scaled, cut, held }) => {
    const network = buildNetwork(arch, CLASSES);
    const state = randomState(network, 11);
    let runner: OrtRunner;
    let trigger: PaintedTrigger;
    const images = randomImages(6, 12);

    beforeAll(async () => {
      runner = await createRunner(classification, network, normalization, { threads: 1 });
      trigger = await badnets.makeTrigger({ height: 32, width: 32, random: new Random(1), options: { side: 3 } });
    });
    afterAll(() => runner.release());

    it("contribution is |∂CE/∂m| of a multiplier m on the neuron's batch-norm output", async () => {
      const one = subset(images, [0]);
      const found = await runner.contribution(state, one);
      const loss = async (model: StateDict) => {
        const logits = await runner.outputs(model, one);
        const highest = Math.max(...logits);
        const total = logits.reduce((sum, v) => sum + Math.exp(v - highest), 0);
        return Math.log(total) + highest - logits[one.labels[0]];
      };
      for (const [id, channel] of Object.entries(scaled)) {
        const unit = convUnits(network).find((candidate) => candidate.id === id)!;
        const scaledBy = (factor: number) => {
          const model = cloneState(state);
          tensorOf(model, `${unit.bn}.weight`).data[channel] *= factor;
          tensorOf(model, `${unit.bn}.bias`).data[channel] *= factor;
          return model;
        };
        const slope = ((await loss(scaledBy(1.001))) - (await loss(scaledBy(0.999)))) / 0.002;
        const expected = Math.abs(slope);
        expect(Math.abs(found.get(id)![channel] - expected), id).toBeLessThan(0.02 + 0.1 * expected);
      }
    });

    it("conductance of a layer that cuts the graph sums to the change of the response", async () => {
      const found = await conductance(runner, state, images, { trigger, target: TARGET });
      const triggered = stampSet(trigger, images);
      const change = (await meanResponse(runner, state, triggered)) - (await meanResponse(runner, state, images));
      const sum = found.get(cut)!.reduce((total, value) => total + value, 0);
      expect(cutPoints(network)).toContain(cut);
      expect(Math.abs(sum - change)).toBeLessThan(0.02 + 0.1 * Math.abs(change));
    });

    it("patching every neuron gives the clean answers, patching none the triggered ones", async () => {
      const others = randomImages(70, 13);
      const all = Object.fromEntries(neuronLayers(network).map(({ name, width }) => [name, [...Array(width).keys()]]));
      const clean = shareInClass(await runner.outputs(state, others), others.count, TARGET);
      const triggered = shareInClass(await runner.outputs(state, stampSet(trigger, others)), others.count, TARGET);
      expect(await patchedRate(runner, state, all, others, { trigger, target: TARGET })).toBe(clean);
      expect(await patchedRate(runner, state, {}, others, { trigger, target: TARGET })).toBe(triggered);
    });

    it("the single effect equals that of the whole network with the neuron's output held at its clean mean", async () => {
      const found = await singleEffects(runner, state, held, images, { trigger, target: TARGET });
      const taps = await runner.taps(state, images, "mean");
      const triggered = stampSet(trigger, images);
      for (const [id, channels] of Object.entries(held)) {
        const unit = convUnits(network).find((candidate) => candidate.id === id)!;
        for (const [k, channel] of channels.entries()) {
          const values = taps.get(id)!.filter((_, i) => i % unit.out === channel);
          const mean = values.reduce((sum, v) => sum + v, 0) / images.count;
          // After a ReLU the mean is not negative, so γ = 0, β = mean holds the activation there.
          const fixed = cloneState(state);
          tensorOf(fixed, `${unit.bn}.weight`).data[channel] = 0;
          tensorOf(fixed, `${unit.bn}.bias`).data[channel] = mean;
          const fall = async (set: ImageSet) =>
            (await meanResponse(runner, state, set)) - (await meanResponse(runner, fixed, set));
          expect(found[id][k]).toBeCloseTo((await fall(triggered)) - (await fall(images)), 4);
        }
      }
    });
  },
);
