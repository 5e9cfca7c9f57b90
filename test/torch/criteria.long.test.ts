import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { convUnits } from "../../src/graph/network.ts";
import { maskGradient, PUBLISHED, perturb } from "../../src/localize/criteria/anp.ts";
import { patchGradient } from "../../src/localize/nc/invert-class.ts";
import { Squashed } from "../../src/localize/nc/squash.ts";
import { createRunner } from "../../src/measure/ort-runner.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { classification } from "../../src/tasks/classification/task.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import { randomState, relativeError } from "../graph/programs.ts";
import { findTorchPython } from "./find-python.ts";
import { askTorch, median, randomBatch } from "./peer.ts";

const CLASSES = 10;
const BATCH = 8;
const NORMALIZATION = { mean: [0.4, 0.5, 0.6], std: [0.2, 0.3, 0.25] } as const;
const ARCHS = ["resnet18w8", "vgg13w8"];

const open = (arch: string) => {
  const network = buildNetwork(arch, CLASSES);
  const normalization = { mean: [...NORMALIZATION.mean], std: [...NORMALIZATION.std] } as never;
  return { network, create: () => createRunner(classification, network, normalization, { threads: 1 }) };
};

describe.skipIf(!findTorchPython()).each(ARCHS)("criteria on %s against PyTorch in float64", (arch) => {
  it.each(["batch", "stored"] as const)("one iteration of ANP, %s statistics", async (statistics) => {
    const { network, create } = open(arch);
    const units = convUnits(network);
    const size = units.reduce((sum, { out }) => sum + out, 0);
    const prefixes = ["one|", "two|", "three|", "four|"];
    const tensors: StateDict = new Map();
    const cases = prefixes.map((prefix, i) => {
      const random = new Random(71 + i);
      const state = randomState(network, 81 + i);
      const batch = randomBatch(network, BATCH, random);
      const draw = (low: number, high: number) => Float32Array.from({ length: size }, () => random.between(low, high));
      const masks = draw(0.3, 1);
      const noise = { gain: draw(-0.4, 0.4), shift: draw(-0.4, 0.4) };
      for (const [key, tensor] of state) tensors.set(prefix + key, tensor);
      tensors.set(`${prefix}input`, { shape: [BATCH, 3, 32, 32], data: batch.images });
      tensors.set(`${prefix}targets`, { shape: [BATCH, CLASSES], data: batch.targets });
      eachUnit((bn, start, end) => {
        const part = { mask: masks, delta: noise.gain, xi: noise.shift };
        for (const [name, values] of Object.entries(part)) {
          tensors.set(`${prefix}${bn}#${name}`, { shape: [end - start], data: values.slice(start, end) });
        }
      });
      return { prefix, state, batch, masks, noise };
    });
    const { epsilon, natural: alpha } = PUBLISHED;
    const settings = { epsilon, alpha, batch_statistics: statistics === "batch" };
    const answer = askTorch({ command: "anp", arch, classes: CLASSES, prefixes, ...settings }, tensors).tensors;

    const runner = await create();
    const wrongSigns: number[] = [];
    const errors: number[] = [];
    for (const { prefix, state, batch: made, masks, noise } of cases) {
      const batch = { inputs: made.images, targets: made.targets };
      const gains = runner.gains(state, statistics);
      const moved = await perturb(gains, batch, masks, noise, PUBLISHED);
      const theirs = { gain: new Float32Array(size), shift: new Float32Array(size) };
      const expected = new Float32Array(size);
      eachUnit((bn, start) => {
        const of = (name: string) => answer.get(`${prefix}${bn}#${name}`)!.data;
        theirs.gain.set(of("delta"), start);
        theirs.shift.set(of("xi"), start);
        expected.set(of("gradient"), start);
      });
      for (const part of ["gain", "shift"] as const) {
        const wrong = moved[part].filter((value, i) => Math.abs(value - theirs[part][i]) > 1e-5);
        wrongSigns.push(wrong.length / size);
      }
      // From PyTorch's own perturbation on, so that a sign decided by rounding does not count twice.
      errors.push(relativeError(await maskGradient(gains, batch, masks, theirs, alpha), expected));
    }
    await runner.release();
    // A ReLU's input within rounding of zero may pass here and not there, which moves every gradient before it.
    expect(median(wrongSigns)).toBeLessThan(0.01);
    expect(Math.min(...errors)).toBeLessThan(1e-4);
    expect(median(errors)).toBeLessThan(1e-2);

    function eachUnit(visit: (bn: string, start: number, end: number) => void): void {
      let start = 0;
      for (const { bn, out } of units) {
        visit(bn, start, start + out);
        start += out;
      }
    }
  });

  it("one gradient step of NC", async () => {
    const { network, create } = open(arch);
    const random = new Random(91);
    const state = randomState(network, 92);
    const { images, targets } = randomBatch(network, BATCH, random);
    const draw = (length: number) => Float32Array.from({ length }, () => random.normal());
    const [mask, paint] = [draw(1024), draw(3 * 1024)];
    const options = { target: 3, weight: 1e-3, ...NORMALIZATION };
    const tensors: StateDict = new Map([
      ...state,
      ["input", { shape: [BATCH, 3, 32, 32], data: images }],
      ["targets", { shape: [BATCH, CLASSES], data: targets }],
      ["mask", { shape: [32, 32], data: mask }],
      ["pattern", { shape: [3, 32, 32], data: paint }],
    ]);
    const expected = askTorch({ command: "nc", arch, classes: CLASSES, ...options }, tensors).tensors;

    const runner = await create();
    const shown = { mask: new Squashed(mask), paint: new Squashed(paint) };
    const found = await runner.blend(state).at(images, options.target, shown.mask.values, shown.paint.values);
    const gradient = patchGradient(found, shown.mask, shown.paint, options.weight);
    const loss = found.loss + options.weight * shown.mask.values.reduce((sum, m) => sum + m, 0);
    expect(loss).toBeCloseTo(expected.get("loss")!.data[0], 3);
    expect(relativeError(gradient.mask, expected.get("mask")!.data)).toBeLessThan(1e-3);
    expect(relativeError(gradient.paint, expected.get("pattern")!.data)).toBeLessThan(1e-3);
    await runner.release();
  });
});
