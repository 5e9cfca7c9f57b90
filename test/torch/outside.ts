import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { chooseLowering } from "../../src/engine/lowering.ts";
import { Session } from "../../src/engine/session.ts";
import { exportOnnx } from "../../src/graph/export.ts";
import { foldState } from "../../src/graph/fold.ts";
import { inferProgram } from "../../src/graph/programs/infer.ts";
import { createRunner } from "../../src/measure/ort-runner.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { classification } from "../../src/tasks/classification/task.ts";
import { randomState, relativeError } from "../graph/programs.ts";
import { temporaryFolder } from "../store/temp.ts";
import { findTorchPython } from "./find-python.ts";
import { askLoader, NORMALIZATION, writeLoaderFolder } from "./loader.ts";

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

/** Tests that architectures answer outside of this program as they do here. */
export function testOutside(archs: string[]): void {
  describe.each(archs)("%s outside of this program", (arch) => {
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

    it.skipIf(!findTorchPython())(
      "gives the same logits and activations through a checkout's load_in_torch.py",
      async () => {
        const { network, state, pixels, logits } = await modelOf(arch);
        const set = { count: COUNT, height: 32, width: 32, pixels, labels: new Uint8Array(COUNT) };
        const runner = await createRunner(classification, network, NORMALIZATION, { threads: 1 });
        const taps = await runner.taps(state, set, "mean");
        await runner.release();
        const { logits: theirs, neurons } = askLoader(
          writeLoaderFolder(temporaryFolder(), network, state, { pixels }),
          `
images = np.fromfile(os.path.join(FOLDER, "pixels"), np.uint8).reshape(-1, 3, 32, 32)
model = load()
with torch.no_grad():
    logits = model(normalise(images))
neurons = activations(model, images, batch_size=2)
answer = {"logits": logits.flatten().tolist(), "neurons": {name: x.flatten().tolist() for name, x in neurons.items()}}`,
        ) as { logits: number[]; neurons: Record<string, number[]> };
        expect(relativeError(Float32Array.from(theirs), logits)).toBeLessThan(1e-5);
        expect(Object.keys(neurons)).toEqual([...taps.keys()]);
        for (const [layer, tap] of taps) {
          expect(neurons[layer]).toHaveLength(tap.length);
          // Every single neuron of every image, in units of the layer's largest.
          const scale = tap.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
          const worst = tap.reduce((most, value, i) => Math.max(most, Math.abs(value - neurons[layer][i])), 0);
          expect(worst / scale, layer).toBeLessThan(1e-5);
        }
      },
    );
  });
}
