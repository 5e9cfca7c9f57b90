import { describe, expect, it } from "vitest";
import { type Arrays, Session } from "../../src/engine/session.ts";
import type { Lowering } from "../../src/graph/lowering/lowering.ts";
import { PlainLowering } from "../../src/graph/lowering/plain.ts";
import { WebGpuLowering } from "../../src/graph/lowering/webgpu.ts";
import type { Network } from "../../src/graph/network.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { everyProgram, feedsFor, type NamedProgram } from "../graph/every-program.ts";
import { relativeError } from "../graph/programs.ts";
import { NETWORKS, network } from "../graph/small-networks.ts";
import { comparesAll, hasWebGpu } from "./device.ts";

/** Images are the channels of a weight gradient, and multiples of 3 are treacherous there. */
const SMALL_BATCH = 6;
const BATCH = 4;

/**
 * Of the largest magnitude in the array: single precision, summed in another order. On an H100 all but one of the programs
 * tried were within 1e-4; gradients of a regression, on GoogLeNet, differed by 1.06e-4.
 */
const TOLERANCE = 2e-4;

/** What a build runs most, and what no other program holds. The others repeat their operators. */
const QUICK = ["a training step", "fine-tuning of some rows", "conductance"];

async function run(lowering: Lowering, { make }: NamedProgram, net: Network): Promise<Arrays> {
  const device = lowering.kind === "webgpu" ? "webgpu" : "cpu";
  const program = make(lowering);
  const session = await Session.open(program, { threads: 1, device });
  try {
    return await session.run(feedsFor(program, net));
  } finally {
    await session.release();
  }
}

async function expectEqual(program: NamedProgram, net: Network, batch = BATCH): Promise<void> {
  const cpu = await run(new PlainLowering(batch), program, net);
  const gpu = await run(new WebGpuLowering(batch), program, net);
  expect(cpu.size).toBeGreaterThan(0);
  for (const [key, values] of cpu) {
    expect(relativeError(gpu.get(key)!, values), key).toBeLessThan(TOLERANCE);
  }
}

const found = await hasWebGpu();

/** The last one pools overlapping windows in a row, of both strides, and joins features. */
const small = comparesAll ? Object.keys(NETWORKS) : Object.keys(NETWORKS).slice(-1);

describe.runIf(found).each(small)("%s: WebGPU gives what the processor gives", (name) => {
  const net = network(NETWORKS[name]);
  it.each(everyProgram(net))("$name", (program) => expectEqual(program, net, SMALL_BATCH));
});

describe.runIf(found).each(["resnet18w4", "vgg13w4", "vgg16w4", "googlenetw4"])(
  "%s: WebGPU gives what the processor gives",
  (arch) => {
    const net = buildNetwork(arch, 10);
    const programs = everyProgram(net).filter(({ name }) => comparesAll || QUICK.includes(name));
    it.each(programs)("$name", (program) => expectEqual(program, net));
  },
);
