import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { chooseLowering } from "../../src/engine/lowering.ts";
import { Session } from "../../src/engine/session.ts";
import { foldState, parameterFeeds, toOihw } from "../../src/graph/fold.ts";
import { inferProgram } from "../../src/graph/programs/infer.ts";
import { gradientOf, trainProgram } from "../../src/graph/programs/train.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import { randomState, relativeError } from "../graph/programs.ts";
import { NETWORKS, network } from "../graph/small-networks.ts";
import { temporaryFolder } from "../store/temp.ts";
import { findTorchPython } from "./find-python.ts";
import { askTorch, randomBatch } from "./peer.ts";

const BATCH = 4;
/** What rounding in float32 leaves of values that PyTorch computes in float64. */
const EXACT = 1e-4;

/** Every small network as the loader of a checkout builds it: operators, names and shapes from `model.json` alone. */
describe.skipIf(!findTorchPython()).each(Object.entries(NETWORKS))("%s, against PyTorch in float64", (_, body) => {
  const net = network(body);
  const folder = temporaryFolder();
  copyFileSync(join(import.meta.dirname, "../../python/load_in_torch.py"), join(folder, "load_in_torch.py"));
  writeFileSync(join(folder, "model.json"), JSON.stringify({ input: net.input, nodes: net.nodes }));
  const state = randomState(net, 3);
  const { images, targets } = randomBatch(net, BATCH, new Random(4));
  const { channels, height, width } = net.input;
  const tensors: StateDict = new Map(state);
  tensors.set("input", { shape: [BATCH, channels, height, width], data: images });
  tensors.set("targets", { shape: [BATCH, net.classes], data: targets });
  let answered: StateDict | undefined;
  const expectedOf = () => {
    answered ??= askTorch({ command: "gradients", infers: true, classes: net.classes, folder }, tensors).tensors;
    return answered;
  };

  it.each(["plain", "blocked"] as const)("logits, %s lowering", async (kind) => {
    const session = await Session.open(inferProgram(await chooseLowering(net, BATCH, kind), net), { threads: 1 });
    const { logits } = Object.fromEntries(await session.run(foldState(net, state).set("input", images)));
    expect(relativeError(logits, expectedOf().get("inferred")!.data)).toBeLessThan(EXACT);
    await session.release();
  });

  it.each(["plain", "blocked"] as const)("loss and every gradient, %s lowering", async (kind) => {
    const { program, parameters } = trainProgram(await chooseLowering(net, BATCH, kind), net);
    const session = await Session.open(program, { threads: 1 });
    const feeds = parameterFeeds(state).set("input", images).set("targets", targets);
    const results = await session.run(feeds);
    const expected = expectedOf();
    expect(results.get("loss")![0]).toBeCloseTo(expected.get("loss")!.data[0], 4);
    for (const key of parameters.keys()) {
      const ours = results.get(gradientOf(key))!;
      const { shape, data } = expected.get(gradientOf(key))!;
      // A bias before batch statistics has no effect: its gradient is rounding there.
      if (ours.every((v) => v === 0)) expect(Math.max(...data.map(Math.abs)), key).toBeLessThan(1e-9);
      else expect(relativeError(shape.length === 4 ? toOihw(ours, shape) : ours, data), key).toBeLessThan(EXACT);
    }
    await session.release();
  });
});
