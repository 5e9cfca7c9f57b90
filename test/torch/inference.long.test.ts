import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { chooseLowering } from "../../src/engine/lowering.ts";
import { Session } from "../../src/engine/session.ts";
import { foldState } from "../../src/graph/fold.ts";
import type { LoweringKind } from "../../src/graph/lowering/lowering.ts";
import { countParameters, stateShapes } from "../../src/graph/network.ts";
import { inferProgram } from "../../src/graph/programs/infer.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { randomState, relativeError } from "../graph/programs.ts";
import { findTorchPython } from "./find-python.ts";
import { askTorch, randomBatch } from "./peer.ts";

describe.skipIf(!findTorchPython())("architectures as PyTorch has them", () => {
  it.each([
    ["resnet18", 10, 11_173_962],
    ["resnet18", 100, 11_220_132],
    ["resnet18", 43, 11_190_891],
    ["resnet18w16", 10, undefined],
    ["resnet18w8", 43, undefined],
    ["vgg13", 10, 9_416_010],
    ["vgg16", 100, 14_774_436],
    ["vgg16w12", 43, undefined],
    ["googlenet", 43, 6_200_075],
    ["googlenetw12", 10, undefined],
  ])("%s, %i classes: parameter count, state-dict keys and shapes", (arch, classes, known) => {
    const network = buildNetwork(arch, classes);
    const answer = askTorch({ command: "describe", arch, classes }, new Map());
    const { parameters, keys } = JSON.parse(answer.stdout) as { parameters: number; keys: Record<string, number[]> };
    expect(countParameters(network)).toBe(parameters);
    if (known !== undefined) expect(parameters).toBe(known);
    const wanted = Object.entries(keys).filter(([key]) => !key.endsWith("num_batches_tracked"));
    expect([...stateShapes(network)]).toEqual(wanted);
  });

  it.each<[LoweringKind, string]>([
    ["plain", "resnet18w16"],
    ["blocked", "resnet18w16"],
    ["blocked", "resnet18"],
    ["plain", "resnet18w12"],
    ["blocked", "vgg16w16"],
    ["plain", "googlenetw16"],
  ])("%s lowering, %s: logits", async (kind, arch) => {
    const batch = 4;
    const network = buildNetwork(arch, 10);
    const state = randomState(network, 31);
    const { images } = randomBatch(network, batch, new Random(32));
    const session = await Session.open(inferProgram(await chooseLowering(network, batch, kind), network), {
      threads: 1,
    });
    const ours = (await session.run(new Map([...foldState(network, state), ["input", images]]))).get("logits")!.slice();
    await session.release();
    const tensors = new Map(state).set("input", { shape: [batch, 3, 32, 32], data: images });
    const answer = askTorch({ command: "infer", arch, classes: 10 }, tensors);
    expect(relativeError(ours, answer.tensors.get("logits")!.data)).toBeLessThan(1e-5);
  });
});
