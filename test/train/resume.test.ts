import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import type { ImageSet } from "../../src/images/image-set.ts";
import type { ImageDataset } from "../../src/tasks/classification/dataset.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { classification } from "../../src/tasks/classification/task.ts";
import { encodeState } from "../../src/tensor/safetensors.ts";
import { type Checkpoint, trainClean } from "../../src/train/clean.ts";
import { LONG } from "../setup/long.ts";

function images(count: number): ImageSet {
  const random = new Random(count);
  const labels = Uint8Array.from({ length: count }, (_, i) => i % 3);
  // Each class has its own brightness, so that there is something to learn.
  const pixels = Uint8Array.from(
    { length: count * 3072 },
    (_, i) => 60 * labels[Math.floor(i / 3072)] + random.below(60),
  );
  return { count, height: 32, width: 32, pixels, labels };
}

const dataset: ImageDataset = {
  name: "toy",
  title: "toy",
  classes: ["a", "b", "c"],
  normalization: { mean: [0.4, 0.4, 0.4], std: [0.25, 0.25, 0.25] },
  augmentation: { flip: true, cropPadding: 2 },
  source: "made up",
  train: images(96),
  cleanVal: images(12),
  test: images(12),
  dataHash: "",
  completeness: "generated",
};

const recipe = {
  epochs: 3,
  batch: 16,
  learning_rate: 0.05,
  warmup: 0.25,
  momentum: 0.9,
  nesterov: true,
  weight_decay: 5e-4,
  label_smoothing: 0.05,
  threads: 1,
};

describe("clean training", () => {
  it("learns, and resumed after any epoch gives the same bytes", async () => {
    const network = buildNetwork("resnet18w8", 3);
    const saved: Checkpoint[] = [];
    const whole = await trainClean(classification, network, dataset, recipe, 1, {
      onEpoch: async (c) => void saved.push(c),
    });
    expect(whole.history[2].loss).toBeLessThan(whole.history[0].loss);
    expect(saved.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    for (const resume of saved.slice(LONG ? 0 : 1, 2)) {
      const resumed = await trainClean(classification, network, dataset, recipe, 1, { resume });
      expect(Buffer.compare(encodeState(resumed.state), encodeState(whole.state))).toBe(0);
    }
    const other = await trainClean(classification, network, dataset, recipe, 2);
    expect(Buffer.compare(encodeState(other.state), encodeState(whole.state))).not.toBe(0);
  });
});
