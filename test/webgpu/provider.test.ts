import ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import type { Device } from "../../src/core/device.ts";
import { Session } from "../../src/engine/session.ts";
import type { Lowering } from "../../src/graph/lowering/lowering.ts";
import { PlainLowering } from "../../src/graph/lowering/plain.ts";
import { WebGpuLowering } from "../../src/graph/lowering/webgpu.ts";
import { GraphBuilder, type Program } from "../../src/graph/onnx.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { everyProgram } from "../graph/every-program.ts";
import { relativeError } from "../graph/programs.ts";
import { hasWebGpu } from "./device.ts";

/** Opens a program where no operator may fall back to the processor. @throws where one would have to */
async function openWholly({ model }: Program): Promise<void> {
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ["webgpu"],
    logSeverityLevel: 4,
    extra: { session: { disable_cpu_ep_fallback: "1" } },
  });
  await session.release();
}

const networks = ["resnet18w4", "vgg13w4", "vgg16w4", "googlenetw4"].map((arch) => buildNetwork(arch, 10));

describe.runIf(await hasWebGpu())("the WebGPU provider", () => {
  describe.each(networks)("runs all of every program of $arch", (network) => {
    it.each(everyProgram(network))("$name", async ({ make }) => {
      await openWholly(make(new WebGpuLowering(2)));
    });
  });

  // What the lowering goes around. Where one of these fails, the runtime has learned it: see docs/gpu.md.
  it("has no LogSoftmax", async () => {
    const program = (lowering: Lowering) => {
      const logits = lowering.graph.input("logits", [2, 3]);
      lowering.graph.output("y", lowering.logSoftmax(logits), [2, 3]);
      return lowering.graph.finish();
    };
    await openWholly(program(new WebGpuLowering(2)));
    await expect(openWholly(program(new PlainLowering(2)))).rejects.toThrow();
  });

  it("mixes up the groups of a convolution whose output channels fill no vector", async () => {
    const [groups, each, outputs] = [2, 1, 5];
    const graph = new GraphBuilder();
    graph.input("x", [1, groups * each, 1, 1]);
    graph.input("w", [groups * outputs, each, 1, 1]);
    graph.output("y", graph.op("Conv", ["x", "w"], { kernel_shape: [1, 1], group: groups }), [1, 10, 1, 1]);
    const program = graph.finish();
    const feeds = new Map([
      ["x", Float32Array.of(1, 100)],
      ["w", new Float32Array(groups * outputs).fill(1)],
    ]);
    const ys = await Promise.all(
      (["cpu", "webgpu"] as const).map(async (device) => {
        const session = await Session.open(program, { threads: 1, device });
        const y = [...(await session.run(feeds)).get("y")!];
        await session.release();
        return y;
      }),
    );
    expect(ys[0]).toEqual([1, 1, 1, 1, 1, 100, 100, 100, 100, 100]);
    expect(ys[1]).toEqual([1, 1, 1, 1, 1, 1, 100, 100, 100, 100]);
  });

  it("reads the wrong channels where a convolution has more than 3 and a multiple of 3 alone", async () => {
    const [channels, outputs] = [6, 4];
    const make = (lowering: Lowering) => {
      const weight = lowering.graph.input("w", [outputs, 3, 3, channels]);
      const x = lowering.image("x", channels, 4, 4);
      const y = lowering.conv(x, weight, { out: outputs, kernel: 3, stride: 1, padding: 1 });
      lowering.graph.output("y", y.tensor, [1, outputs, 4, 4]);
      return lowering.graph.finish();
    };
    const feeds = new Map([
      ["x", Float32Array.from({ length: channels * 16 }, (_, i) => Math.sin(1.7 * i + 1))],
      ["w", Float32Array.from({ length: outputs * 9 * channels }, (_, i) => Math.sin(1.7 * i + 2))],
    ]);
    const run = async (lowering: Lowering, device: Device) => {
      const session = await Session.open(make(lowering), { threads: 1, device });
      const y = (await session.run(feeds)).get("y")!.slice();
      await session.release();
      return y;
    };
    const right = await run(new PlainLowering(1), "cpu");
    expect(relativeError(await run(new PlainLowering(1), "webgpu"), right)).toBeGreaterThan(0.01);
    expect(relativeError(await run(new WebGpuLowering(1), "webgpu"), right)).toBeLessThan(1e-6);
  });

  it("gives the logarithms of a softmax whose logits are far apart", async () => {
    const lowering = new WebGpuLowering(2);
    lowering.graph.output("y", lowering.logSoftmax(lowering.graph.input("logits", [2, 3])), [2, 3]);
    const session = await Session.open(lowering.graph.finish(), { threads: 1, device: "webgpu" });
    const y = (await session.run(new Map([["logits", Float32Array.of(200, 0, -200, 1, 1, 1)]]))).get("y")!;
    await session.release();
    expect([...y.subarray(0, 3)]).toEqual([0, -200, -400]);
    for (const value of y.subarray(3)) expect(value).toBeCloseTo(-Math.log(3), 5);
  });
});
