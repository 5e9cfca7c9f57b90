import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { spotting } from "../../examples/task/dots.ts";
import { Random } from "../../src/core/random.ts";
import type { Dataset } from "../../src/datasets/types.ts";
import { neuronLayers } from "../../src/graph/network.ts";
import { tuneSubnetwork } from "../../src/inject/backdoor.ts";
import { CRITERIA } from "../../src/localize/registry.ts";
import { maskNeurons } from "../../src/measure/mask.ts";
import { createRunner, type OrtRunner } from "../../src/measure/ort-runner.ts";
import { rates } from "../../src/measure/rates.ts";
import { applicable } from "../../src/pipeline/judging/applicable.ts";
import { anonymous, halveClean } from "../../src/pipeline/judging/suspect.ts";
import type { Backdoor } from "../../src/tasks/backdoor.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import { trainClean } from "../../src/train/clean.ts";

/** The task of docs/tutorials/add-a-task.md, from training to criteria, by the stages that every task shares. */

const network = spotting.architectures.get("spotter")!(8, 2);
/** Every third neuron. */
const infected = Object.fromEntries(
  neuronLayers(network).map(({ name, width }) => [name, Array.from({ length: width / 4 }, (_, i) => 4 * i)]),
);

let dataset: Dataset;
let clean: StateDict;
let model: StateDict;
let backdoor: Backdoor;
let runner: OrtRunner;

beforeAll(async () => {
  dataset = await spotting.datasets.get("dots")!.load({ dataDir: "", seed: 1 });
  const training = {
    epochs: 12,
    batch: 32,
    warmup: 0.1,
    momentum: 0.9,
    nesterov: false,
    weight_decay: 1e-4,
    threads: 1,
  };
  const recipe = { ...training, optimizer: "adam" as const, learning_rate: 0.005, label_smoothing: 0 };
  clean = (await trainClean(spotting, network, dataset, recipe, 1)).state;
  const { height, width } = network.input;
  const attack = spotting.attacks.get("corner")!;
  backdoor = { trigger: await attack.makeTrigger({ height, width, random: new Random(1), options: {} }), target: 1 };
  runner = await createRunner(spotting, network, dataset.normalization, { threads: 1 });
  const attempt = { peak_steps: 80, tail_steps: 40, learning_rate: 0.01, learned: 1, masked_every: 0 };
  model = (
    await tuneSubnetwork({
      ...{ task: spotting, network, dataset, clean, infected, backdoor, samples: dataset.train, attempt },
      recipe: {
        ...{ target: 1, images: 576, held_out: 64, batch: 32, triggered_share: 0.3, warmup_steps: 5 },
        ...{ amplification: 1, annealing_steps: 0, final_rate: 0.05, attempts: [attempt], threads: 1 },
        margin: { asr: 0, ca_drop: 0, random_mask: 0 },
      },
      ...{ restrained: false, labels: "target", seed: 1, maskSeed: 2, drawOthers: () => ({}) },
    })
  ).model;
});
afterAll(() => runner.release());

describe("the task of the tutorial", () => {
  it("trains, and takes a backdoor into chosen neurons alone", async () => {
    const before = await rates(runner, clean, dataset.test, backdoor);
    const after = await rates(runner, model, dataset.test, backdoor);
    const masked = await rates(runner, maskNeurons(network, model, infected), dataset.test, backdoor);
    expect(before.quality).toBeGreaterThan(0.9);
    expect(before.success).toBeLessThan(0.1);
    expect(after.success).toBeGreaterThan(0.8);
    expect(after.quality).toBeGreaterThan(before.quality - 0.1);
    expect(masked.success).toBeLessThan(0.5);
  });

  it("is judged by the criteria that need neither classes nor goals", async () => {
    const criteria = applicable([...CRITERIA.values()], network, spotting);
    const names = criteria.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["fp", "clp", "bnp", "anp", "rnp", "slicer", "weight-norm"]));
    for (const name of ["nc", "attribution", "learned"]) expect(names).not.toContain(name);
    const { normalization, augmentation, cleanVal } = dataset;
    const suspect = anonymous(
      { task: spotting, network, state: model, sha256: "0", normalization },
      augmentation,
      halveClean(spotting.inputs, cleanVal, 1),
      ...([runner, 1, "demo"] as const),
    );
    for (const criterion of criteria) {
      if (criterion.access !== "clean") continue;
      const { scores } = await criterion.localize(suspect);
      expect(Object.values(scores).flat().every(Number.isFinite), criterion.name).toBe(true);
    }
  });
});
