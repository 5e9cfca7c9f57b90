import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { chooseLowering } from "../../src/engine/lowering.ts";
import { Session } from "../../src/engine/session.ts";
import { exportOnnx } from "../../src/graph/export.ts";
import { foldState } from "../../src/graph/fold.ts";
import { inferProgram } from "../../src/graph/programs/infer.ts";
import { buildNetwork } from "../../src/models/registry.ts";
import { TORCH_LOADER } from "../../src/store/torch-loader.ts";
import { encodeState } from "../../src/tensor/safetensors.ts";
import { randomState, relativeError } from "../graph/programs.ts";
import { temporaryFolder } from "../store/temp.ts";
import { findTorchPython } from "./find-python.ts";

const COUNT = 3;
const CLASSES = 7;

/** What a checkout of the architecture would hold, and random images with the logits that inference gives for them. */
async function modelOf(arch: string) {
  const network = buildNetwork(arch, CLASSES);
  const state = randomState(network, 3);
  const random = new Random(4);
  const pixels = Uint8Array.from({ length: COUNT * 3072 }, () => random.below(256));
  const input = Float32Array.from(pixels, (pixel) => (pixel / 255 - 0.5) / 0.25);
  const session = await Session.open(inferProgram(await chooseLowering(network, COUNT), network), { threads: 1 });
  const results = await session.run(new Map([...foldState(network, state), ["input", input]]));
  const logits = results.get("logits")!.slice();
  await session.release();
  return { network, state, pixels, input, logits };
}

describe.each(["vgg13w8", "vgg16w4", "googlenetw6"])("%s outside of this program", (arch) => {
  it("gives the same logits as an exported ONNX file", async () => {
    const { network, state, input, logits } = await modelOf(arch);
    const session = await Session.open(
      {
        model: exportOnnx(network, state),
        inputs: [{ name: "input", shape: [COUNT, 3, 32, 32] }],
        outputs: new Map([["logits", { name: "logits", shape: [COUNT, CLASSES] }]]),
      },
      { threads: 1 },
    );
    const results = await session.run(new Map([["input", input]]));
    expect(relativeError(results.get("logits")!, logits)).toBeLessThan(1e-5);
    await session.release();
  });

  it.skipIf(!findTorchPython())("gives the same logits through a checkout's load_in_torch.py", async () => {
    const { network, state, pixels, logits } = await modelOf(arch);
    const dir = temporaryFolder();
    const { nodes, input } = network;
    const description = { arch, nodes, input, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
    writeFileSync(join(dir, "model.json"), JSON.stringify(description));
    writeFileSync(join(dir, "model.safetensors"), encodeState(state));
    writeFileSync(join(dir, "load_in_torch.py"), TORCH_LOADER);
    writeFileSync(join(dir, "pixels"), pixels);
    const script = `
import json, sys
import numpy as np, torch
sys.path.insert(0, ${JSON.stringify(dir)})
from load_in_torch import load, normalise
images = np.fromfile(${JSON.stringify(join(dir, "pixels"))}, np.uint8).reshape(-1, 3, 32, 32)
with torch.no_grad():
    print(json.dumps(load()(normalise(images)).flatten().tolist()))`;
    const stdout = execFileSync(findTorchPython()!.command, ["-B", "-c", script], { encoding: "utf8" });
    expect(relativeError(Float32Array.from(JSON.parse(stdout) as number[]), logits)).toBeLessThan(1e-5);
  });
});
