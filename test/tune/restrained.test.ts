import { expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { convUnits } from "../../src/graph/network.ts";
import { changedSet } from "../../src/measure/changed-set.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { changedRows } from "../../src/tensor/changes.ts";
import { type StateDict, tensorOf } from "../../src/tensor/state.ts";
import { SubnetworkTuner } from "../../src/tune/subnetwork.ts";
import { randomArray, randomState } from "../graph/programs.ts";

const network = buildNetwork("resnet18w4", 10);
const NEURONS = { conv1: [1], "layer2.0.shortcut.0": [0, 5], "layer3.0.conv1": [7], "layer4.1.conv2": [30] };
const BATCH = 8;

async function tune(clean: StateDict, restrained: boolean): Promise<StateDict> {
  const tuner = await SubnetworkTuner.create(network, clean, NEURONS, { batch: BATCH, threads: 1, restrained });
  const random = new Random(2);
  for (let step = 0; step < 4; step++) {
    const targets = new Float32Array(BATCH * 10);
    for (let i = 0; i < BATCH; i++) targets[10 * i + random.below(10)] = 1;
    await tuner.step(randomArray(BATCH * 3072, random), targets, 0.05);
  }
  const tuned = tuner.tuned();
  await tuner.release();
  return tuned;
}

/** Per tuned neuron: how much longer its filter and larger its |γ| became. */
function growth(clean: StateDict, tuned: StateDict): { norm: number; gain: number; moved: number }[] {
  return convUnits(network).flatMap((unit) =>
    ((NEURONS as Record<string, number[]>)[unit.id] ?? []).map((c) => {
      const filter = (state: StateDict) => {
        const { data } = tensorOf(state, `${unit.id}.weight`);
        return data.subarray((c * data.length) / unit.out, ((c + 1) * data.length) / unit.out);
      };
      const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
      const gain = (state: StateDict) => Math.abs(tensorOf(state, `${unit.bn}.weight`).data[c]);
      const before = filter(clean);
      return {
        norm: norm(filter(tuned)) / norm(before),
        gain: gain(tuned) / gain(clean),
        moved: norm(filter(tuned).map((v, i) => v - before[i])) / norm(before),
      };
    }),
  );
}

it("restrained tuning keeps every filter's norm and lets no |γ| grow, where free tuning does not", async () => {
  const clean = randomState(network, 1);
  const tuned = await tune(clean, true);
  for (const { norm, gain, moved } of growth(clean, tuned)) {
    expect(norm).toBeCloseTo(1, 6);
    expect(gain).toBeLessThanOrEqual(1);
    expect(moved).toBeGreaterThan(0.01);
  }
  const free = growth(clean, await tune(clean, false));
  expect(Math.max(...free.map(({ norm }) => Math.abs(norm - 1)))).toBeGreaterThan(1e-3);
  expect(Math.max(...free.map(({ gain }) => gain))).toBeGreaterThan(1.001);

  const allowed = changedSet(network, NEURONS, "plain");
  for (const [key, rows] of Object.entries(changedRows(clean, tuned))) {
    expect(allowed[key], key).toEqual(expect.arrayContaining(rows));
  }
});
