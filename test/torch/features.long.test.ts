import { describe, expect, it } from "vitest";
import { indexNeurons } from "../../src/core/neuron-index.ts";
import { Random } from "../../src/core/random.ts";
import { convUnits, neuronLayers } from "../../src/graph/network.ts";
import { firstOf, indicesOutside, subset } from "../../src/images/batch.ts";
import type { ImageSet } from "../../src/images/image-set.ts";
import { featuresUnder } from "../../src/localize/learned/features.ts";
import { sourcesOf } from "../../src/localize/learned/readers.ts";
import { encodeAll } from "../../src/measure/batches.ts";
import { createRunner } from "../../src/measure/ort-runner.ts";
import { stampPatch } from "../../src/reversal/stamp.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { classification } from "../../src/tasks/classification/task.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import { randomState } from "../graph/programs.ts";
import { suspectOf } from "../localize/suspects.ts";
import { findTorchPython } from "./find-python.ts";
import { askTorch, median } from "./peer.ts";

const CLASSES = 10;
const TARGET = 3;
const COUNT = 40;
const ARCHS = ["resnet18w8", "vgg13w8", "googlenetw8"];

function noise(random: Random): ImageSet {
  const pixels = Uint8Array.from({ length: COUNT * 3072 }, () => random.below(256));
  const labels = Uint8Array.from({ length: COUNT }, () => random.below(CLASSES));
  return { count: COUNT, height: 32, width: 32, pixels, labels };
}

/** Half transparent, in the corner. */
function cornerPatch() {
  const opacity = Float32Array.from({ length: 1024 }, (_, i) => (i % 32 > 25 && i >> 5 > 25 ? 0.9 : 0.02));
  const pattern = Uint8Array.from({ length: 3072 }, (_, i) => (i * 37) % 256);
  return { target: TARGET, height: 32, width: 32, opacity, pattern };
}

describe.skipIf(!findTorchPython()).each(ARCHS)("the features of docs/methods.md §10.14 on %s", (arch) => {
  it("are those of an independent computation by numpy and PyTorch in float64", async () => {
    const network = buildNetwork(arch, CLASSES);
    const state = randomState(network, 31);
    const suspect = { ...suspectOf(state), network };
    const fit = noise(new Random(32));
    suspect.clean = { fit, threshold: fit };
    const runner = await createRunner(classification, network, suspect.normalization, { threads: 1 });
    suspect.runner = runner;
    const patch = cornerPatch();
    const table = await featuresUnder(suspect, patch);
    await runner.release();

    const others = firstOf(subset(fit, indicesOutside(fit, TARGET)), 64);
    const tensor = (set: ImageSet) => ({
      shape: [set.count, 3, 32, 32],
      data: encodeAll(suspect, set),
    });
    const units = convUnits(network).map(({ id, bn, relu }) => [id, bn, relu]);
    const readers = Object.fromEntries(sourcesOf(network));
    const request = {
      command: "features",
      arch,
      classes: CLASSES,
      units,
      readers,
      target: TARGET,
      contributing: 96,
    } as const;
    const feeds: StateDict = new Map([
      ...state,
      ["fit", tensor(fit)],
      ["labels", { shape: [COUNT], data: Float32Array.from(fit.labels) }],
      ["clean", tensor(others)],
      ["patched", tensor(stampPatch(patch, others))],
    ]);
    const { tensors } = askTorch(request, feeds);

    const rows = table.rows();
    const { size } = indexNeurons(neuronLayers(network));
    expect([...tensors.keys()].sort()).toEqual([...table.names].sort());
    for (const [j, name] of table.names.entries()) {
      const theirs = tensors.get(name)!.data;
      const errors = Array.from({ length: size }, (_, i) => Math.abs(rows[i * table.names.length + j] - theirs[i]));
      // A rank, and what is a median or near zero, may turn on the last digit; most of a column may not.
      expect(median(errors), name).toBeLessThan(2e-3);
      expect(errors.filter((error) => error > 0.05).length / size, name).toBeLessThan(0.02);
    }
  });
});
