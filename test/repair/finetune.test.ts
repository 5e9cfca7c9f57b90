import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NeuronSet } from "../../src/core/neurons.ts";
import { Random } from "../../src/core/random.ts";
import { convUnits, type Network } from "../../src/graph/network.ts";
import type { ImageSet } from "../../src/images/image-set.ts";
import type { Suspect } from "../../src/localize/types.ts";
import { changedSet } from "../../src/measure/changed-set.ts";
import { createRunner, type OrtRunner } from "../../src/measure/ort-runner.ts";
import { blind } from "../../src/pipeline/judging/suspect.ts";
import { finetune } from "../../src/repair/finetune.ts";
import { finetuneReinit, reinitialise } from "../../src/repair/finetune-reinit.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { classification } from "../../src/tasks/classification/task.ts";
import { changedRows } from "../../src/tensor/changes.ts";
import { type StateDict, tensorOf } from "../../src/tensor/state.ts";
import { randomState } from "../graph/programs.ts";
import type { ImageSuspect } from "../localize/suspects.ts";
import { LONG } from "../setup/long.ts";

const CLASSES = 4;

function coloured(count: number, seed: number): ImageSet {
  const random = new Random(seed);
  const labels = Uint8Array.from({ length: count }, (_, i) => i % CLASSES);
  const pixels = Uint8Array.from({ length: count * 3072 }, (_, k) => {
    const label = labels[Math.floor(k / 3072)];
    return 60 * label + random.below(70);
  });
  return { count, height: 32, width: 32, pixels, labels };
}

function crossEntropy(logits: Float32Array, { labels }: ImageSet): number {
  let sum = 0;
  labels.forEach((label, i) => {
    const row = [...logits.subarray(i * CLASSES, (i + 1) * CLASSES)];
    sum += Math.log(row.reduce((total, v) => total + Math.exp(v), 0)) - row[label];
  });
  return sum / labels.length;
}

/** One network without and one with convolution biases. */
const CASES: { arch: string; neurons: NeuronSet }[] = [
  { arch: "resnet18w4", neurons: { conv1: [1], "layer2.0.shortcut.0": [0, 5], "layer4.1.conv2": [3, 4, 5, 30] } },
  { arch: "vgg13w4", neurons: { "features.3": [0, 2], "features.31": [1, 2, 3, 20] } },
];

describe.each(LONG ? CASES : CASES.slice(1))("fine-tuning neurons of $arch", ({ arch, neurons }) => {
  const network: Network = buildNetwork(arch, CLASSES);
  const state: StateDict = randomState(network, 5);
  let runner: OrtRunner;
  let suspect: ImageSuspect;

  beforeAll(async () => {
    const normalization: Suspect["normalization"] = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
    runner = await createRunner(classification, network, normalization, { threads: 1 });
    suspect = {
      ...{ name: "suspect-test", task: blind(classification), network, state, normalization, seed: 3, runner },
      augmentation: { flip: true, cropPadding: 4 },
      clean: { fit: coloured(24, 1), threshold: coloured(16, 2) },
    };
  });
  afterAll(() => runner.release());

  it.each([finetune, finetuneReinit])(
    "$name changes θ of these neurons and not one bit else, and the same again",
    async (repair) => {
      const repaired = await repair.repair(suspect, neurons);
      const changed = changedRows(state, repaired);
      const theta = changedSet(network, neurons, "plain");
      expect(changed).toEqual(theta);
      expect(await repair.repair(suspect, neurons)).toEqual(repaired);
      const other = await repair.repair({ ...suspect, seed: 4 }, neurons);
      expect(changedRows(repaired, other)).not.toEqual({});
    },
  );

  it("lowers the loss on the images that it learns from", async () => {
    const before = crossEntropy(await runner.outputs(state, suspect.clean.fit), suspect.clean.fit);
    const repaired = await finetune.repair(suspect, neurons);
    const after = crossEntropy(await runner.outputs(repaired, suspect.clean.fit), suspect.clean.fit);
    expect(after).toBeLessThan(0.9 * before);
  });

  it("starts afresh where it is to: filters within the bound of fresh weights, γ = 1, β = 0, statistics kept", () => {
    const fresh = reinitialise(network, state, neurons, new Random(1));
    expect(changedRows(state, fresh)).toEqual(changedSet(network, neurons, "plain"));
    for (const unit of convUnits(network)) {
      for (const c of neurons[unit.id] ?? []) {
        const { data } = tensorOf(fresh, `${unit.id}.weight`);
        const size = data.length / unit.out;
        const filter = [...data.subarray(c * size, (c + 1) * size)].map((w) => Math.abs(w) * Math.sqrt(size));
        expect(Math.max(...filter)).toBeLessThan(1 + 1e-6);
        expect(Math.max(...filter)).toBeGreaterThan(0.5);
        expect(tensorOf(fresh, `${unit.bn}.weight`).data[c]).toBe(1);
        expect(tensorOf(fresh, `${unit.bn}.bias`).data[c]).toBe(0);
      }
    }
  });

  it("leaves the model as it is where no neuron is named, and says where there is nothing to learn from", async () => {
    for (const none of [{}, { conv1: [] }] as NeuronSet[]) expect(await finetune.repair(suspect, none)).toEqual(state);
    const noImages = { ...suspect.clean.fit, count: 0, pixels: new Uint8Array(0), labels: new Uint8Array(0) };
    const poor = { ...suspect, clean: { fit: noImages, threshold: noImages } };
    await expect(finetune.repair(poor, neurons)).rejects.toThrow("needs clean images");
  });
});
