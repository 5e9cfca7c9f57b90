import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { chooseLowering } from "../../src/engine/lowering.ts";
import { Session } from "../../src/engine/session.ts";
import { foldState } from "../../src/graph/fold.ts";
import type { LoweringKind } from "../../src/graph/lowering/lowering.ts";
import { countParameters, stateShapes } from "../../src/graph/network.ts";
import { inferProgram } from "../../src/graph/programs/infer.ts";
import { buildNetwork } from "../../src/models/registry.ts";
import { randomState, relativeError } from "../graph/programs.ts";
import { findTorchPython } from "./find-python.ts";
import { askTorch, randomBatch } from "./peer.ts";

describe.skipIf(!findTorchPython())("ResNet-18 as PyTorch has it", () => {
  it.each([
    [64, 10, 11_173_962],
    [64, 100, 11_220_132],
    [64, 43, 11_190_891],
    [16, 10, undefined],
    [8, 43, undefined],
  ])("base width %i, %i classes: parameter count, state-dict keys and shapes", (baseWidth, classes, known) => {
    const network = buildNetwork(baseWidth === 64 ? "resnet18" : `resnet18w${baseWidth}`, classes);
    const answer = askTorch({ command: "describe", base_width: baseWidth, classes }, new Map());
    const { parameters, keys } = JSON.parse(answer.stdout) as { parameters: number; keys: Record<string, number[]> };
    expect(countParameters(network)).toBe(parameters);
    if (known !== undefined) expect(parameters).toBe(known);
    const wanted = Object.entries(keys).filter(([key]) => !key.endsWith("num_batches_tracked"));
    expect([...stateShapes(network)]).toEqual(wanted);
  });

  it.each<[LoweringKind, number]>([
    ["plain", 16],
    ["blocked", 16],
    ["blocked", 64],
    ["plain", 12],
  ])("%s lowering, base width %i: logits", async (kind, baseWidth) => {
    const batch = 4;
    const network = buildNetwork(baseWidth === 64 ? "resnet18" : `resnet18w${baseWidth}`, 10);
    const state = randomState(network, 31);
    const { images } = randomBatch(network, batch, new Random(32));
    const session = await Session.open(inferProgram(await chooseLowering(network, batch, kind), network), {
      threads: 1,
    });
    const ours = (await session.run(new Map([...foldState(network, state), ["input", images]]))).get("logits")!.slice();
    await session.release();
    const tensors = new Map(state).set("input", { shape: [batch, 3, 32, 32], data: images });
    const answer = askTorch({ command: "infer", base_width: baseWidth, classes: 10 }, tensors);
    expect(relativeError(ours, answer.tensors.get("logits")!.data)).toBeLessThan(1e-5);
  });
});
