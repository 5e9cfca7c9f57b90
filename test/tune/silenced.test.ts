import { expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { maskNeurons } from "../../src/measure/mask.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import { SubnetworkTuner } from "../../src/tune/subnetwork.ts";
import { randomArray, randomState } from "../graph/programs.ts";

const network = buildNetwork("resnet18w4", 10);
const TUNED = { conv1: [1], "layer4.1.conv2": [30] };
const SILENCED = { conv1: [0, 3], "layer2.0.shortcut.0": [5], "layer3.0.conv1": [2, 7] };
const BATCH = 4;
const images = randomArray(BATCH * 3072, new Random(2));
const targets = Float32Array.from({ length: BATCH * 10 }, (_, i) => (i % 10 === 3 ? 1 : 0));

/** Logits before a step, of a tuner that starts from `state`. */
async function logitsOf(state: StateDict): Promise<Float32Array> {
  const tuner = await SubnetworkTuner.create(network, state, TUNED, { batch: BATCH, threads: 1 });
  const logits = (await tuner.step(images, targets, 0)).slice();
  await tuner.release();
  return logits;
}

it("a step with silenced neurons computes the masked network, and leaves no trace", async () => {
  const clean = randomState(network, 1);
  const tuner = await SubnetworkTuner.create(network, clean, TUNED, { batch: BATCH, threads: 1 });
  const before = (await tuner.step(images, targets, 0)).slice();
  const silenced = (await tuner.step(images, targets, 0, SILENCED)).slice();
  const after = (await tuner.step(images, targets, 0)).slice();
  expect(silenced).toEqual(await logitsOf(maskNeurons(network, clean, SILENCED)));
  expect(silenced).not.toEqual(before);
  expect(after).toEqual(before);

  // What it learns goes to the tuned neurons alone.
  await tuner.step(images, targets, 0.01, SILENCED);
  const tuned = tuner.tuned();
  await tuner.release();
  for (const [key, { data }] of tuned) {
    const changed = [...data.keys()].filter((i) => data[i] !== clean.get(key)!.data[i]);
    if (/^(conv1|bn1|layer4\.1\.(conv2|bn2))\./.test(key)) continue;
    expect(changed, key).toEqual([]);
  }
  expect(tuned.get("conv1.weight")!.data).not.toEqual(clean.get("conv1.weight")!.data);
});
