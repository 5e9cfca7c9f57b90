import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { chooseLowering } from "../../src/engine/lowering.ts";
import { Session } from "../../src/engine/session.ts";
import { toOhwi, toOihw } from "../../src/graph/fold.ts";
import type { LoweringKind } from "../../src/graph/lowering/lowering.ts";
import { gradientOf, meanOf, trainProgram, varianceOf } from "../../src/graph/programs/train.ts";
import { buildNetwork } from "../../src/models/registry.ts";
import { randomState, relativeError } from "../graph/programs.ts";
import { findTorchPython } from "./find-python.ts";
import { askTorch, median, randomBatch } from "./peer.ts";

const BATCH = 4;
const BASE_WIDTH = 16;
const CLASSES = 10;
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

const network = buildNetwork(`resnet18w${BASE_WIDTH}`, CLASSES);

/** A seed's inputs and PyTorch's answer to them in float64, asked for once. */
const cases = new Map<number, ReturnType<typeof makeCase>>();
function makeCase(seed: number) {
  const state = randomState(network, seed);
  const { images, targets } = randomBatch(network, BATCH, new Random(seed + 1000));
  const tensors = new Map(state)
    .set("input", { shape: [BATCH, 3, 32, 32], data: images })
    .set("targets", { shape: [BATCH, CLASSES], data: targets });
  const answer = askTorch({ command: "gradients", base_width: BASE_WIDTH, classes: CLASSES }, tensors);
  return { state, images, targets, expected: answer.tensors };
}
function caseOf(seed: number) {
  if (!cases.has(seed)) cases.set(seed, makeCase(seed));
  return cases.get(seed)!;
}

describe.skipIf(!findTorchPython())("a training step of ResNet-18 against PyTorch in float64", () => {
  it.each<LoweringKind>(["plain", "blocked"])("%s lowering: loss, batch statistics, every gradient", async (kind) => {
    const { program, parameters, statistics } = trainProgram(await chooseLowering(network, BATCH, kind), network);
    const session = await Session.open(program, { threads: 1 });
    const errors = new Map<string, number[]>();
    for (const seed of SEEDS) {
      const { state, images, targets, expected } = caseOf(seed);
      const feeds = new Map([
        ["input", images],
        ["targets", targets],
      ]);
      for (const key of parameters.keys()) {
        const tensor = state.get(key)!;
        feeds.set(key, tensor.shape.length === 4 ? toOhwi(tensor) : tensor.data);
      }
      const results = await session.run(feeds);
      const errorOf = (key: string) => relativeError(results.get(key)!, expected.get(key)!.data);

      expect(errorOf("loss")).toBeLessThan(1e-5);
      expect(errorOf("logits")).toBeLessThan(1e-4);
      for (const { bn } of statistics) {
        expect(errorOf(meanOf(bn)), bn).toBeLessThan(1e-5);
        expect(errorOf(varianceOf(bn)), bn).toBeLessThan(1e-5);
      }
      for (const key of parameters.keys()) {
        const { shape, data } = expected.get(gradientOf(key))!;
        const ours = results.get(gradientOf(key))!;
        const error = relativeError(shape.length === 4 ? toOihw(ours, shape) : ours, data);
        errors.set(key, [...(errors.get(key) ?? []), error]);
      }
    }
    await session.release();

    expect(errors.size).toBe(62);
    expect(median([...errors.values()].flat())).toBeLessThan(1e-5);
    for (const [key, ofSeeds] of errors) {
      // An input of a ReLU within rounding of zero may pass here and not there, in PyTorch's own float32 as in ours,
      // and then every gradient before it moves by as much as 1e-1. Among half a million inputs that befalls one seed
      // in five or so. A wrong formula spoils every seed; so the best quarter of the seeds must be exact.
      const sorted = [...ofSeeds].sort((a, b) => a - b);
      expect(sorted[SEEDS.length / 4], key).toBeLessThan(1e-5);
      expect(sorted[SEEDS.length - 1], key).toBeLessThan(0.5);
    }
  });
});
