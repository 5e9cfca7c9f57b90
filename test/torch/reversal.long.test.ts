import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { convUnits } from "../../src/graph/network.ts";
import type { ImageSet } from "../../src/images/image-set.ts";
import { encodeAll } from "../../src/measure/batches.ts";
import { createRunner } from "../../src/measure/ort-runner.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { classification } from "../../src/tasks/classification/task.ts";
import { randomState, relativeError } from "../graph/programs.ts";
import { findTorchPython } from "./find-python.ts";
import { askTorch, median, randomBatch } from "./peer.ts";

const CLASSES = 10;
const TARGET = 3;
const NORMALIZATION = { mean: [0.4, 0.5, 0.6], std: [0.2, 0.3, 0.25] } as const;
const ARCHS = ["resnet18w8", "vgg13w8", "googlenetw8"];

const open = (arch: string) => {
  const network = buildNetwork(arch, CLASSES);
  const normalization = { mean: [...NORMALIZATION.mean], std: [...NORMALIZATION.std] } as never;
  return { network, normalization, create: () => createRunner(classification, network, normalization, { threads: 1 }) };
};

function noise(count: number, random: Random): ImageSet {
  const pixels = Uint8Array.from({ length: count * 3072 }, () => random.below(256));
  const labels = Uint8Array.from({ length: count }, () => random.below(CLASSES));
  return { count, height: 32, width: 32, pixels, labels };
}

describe.skipIf(!findTorchPython()).each(ARCHS)("reversal on %s against PyTorch in float64", (arch) => {
  it("the response's terms of every neuron", async () => {
    const { network, normalization, create } = open(arch);
    const state = randomState(network, 31);
    const images = noise(6, new Random(32));
    const units = convUnits(network).map(({ id, bn, relu }) => [id, bn, relu]);
    const input = { shape: [6, 3, 32, 32], data: encodeAll({ task: classification, normalization }, images) };
    const request = { command: "response", arch, classes: CLASSES, units, target: TARGET } as const;
    const { tensors } = askTorch(request, new Map([...state, ["input", input]]));
    const runner = await create();
    const found = await runner.response(state, images, TARGET);
    const errors = [...found].flatMap(([id, terms]) =>
      (["dots", "slopes", "means"] as const).map((part) =>
        relativeError(Float32Array.from(terms[part]), tensors.get(`${id}#${part}`)!.data),
      ),
    );
    await runner.release();
    expect(errors.length).toBe(3 * units.length);
    // A ReLU's input within rounding of zero may pass here and not there.
    expect(median(errors)).toBeLessThan(1e-3);
    expect(Math.max(...errors)).toBeLessThan(0.05);
  });

  it("one gradient of the patch towards any class", async () => {
    const { network, create } = open(arch);
    const random = new Random(41);
    const state = randomState(network, 42);
    const { images, targets } = randomBatch(network, 8, random);
    const draw = (length: number) => Float32Array.from({ length }, () => random.uniform());
    const [opacity, pattern] = [draw(1024), draw(3 * 1024)];
    const labels = Array.from({ length: 8 }, (_, i) => targets.subarray(CLASSES * i, CLASSES * (i + 1)).indexOf(1));
    const { tensors } = askTorch(
      { command: "agreement", arch, classes: CLASSES, ...NORMALIZATION },
      new Map([
        ...state,
        ["input", { shape: [8, 3, 32, 32], data: images }],
        ["targets", { shape: [8, CLASSES], data: targets }],
        ["opacity", { shape: [32, 32], data: opacity }],
        ["pattern", { shape: [3, 32, 32], data: pattern }],
      ]),
    );
    const runner = await create();
    const found = await runner.agreement(state).at(images, labels, opacity, pattern);
    expect(found.loss).toBeCloseTo(tensors.get("loss")!.data[0], 4);
    expect(relativeError(found.opacity, tensors.get("opacity")!.data)).toBeLessThan(1e-2);
    expect(relativeError(found.pattern, tensors.get("pattern")!.data)).toBeLessThan(1e-2);
    await runner.release();
  });
});
