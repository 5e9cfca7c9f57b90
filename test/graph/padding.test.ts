import { describe, expect, it } from "vitest";
import { channelBlock } from "../../src/engine/lowering.ts";
import { type Arrays, Session } from "../../src/engine/session.ts";
import { BlockedLowering } from "../../src/graph/lowering/blocked.ts";
import type { Lowering } from "../../src/graph/lowering/lowering.ts";
import { networkPadding } from "../../src/graph/lowering/network-padding.ts";
import { PlainLowering } from "../../src/graph/lowering/plain.ts";
import { type ConvUnit, convUnits, type Network } from "../../src/graph/network.ts";
import type { Program } from "../../src/graph/onnx.ts";
import { blendProgram } from "../../src/graph/programs/blend.ts";
import { conductanceProgram, contributionProgram } from "../../src/graph/programs/contribution.ts";
import { featureProgram } from "../../src/graph/programs/features.ts";
import { finetuneProgram } from "../../src/graph/programs/finetune.ts";
import { gainProgram } from "../../src/graph/programs/gains.ts";
import { inferProgram, tapProgram } from "../../src/graph/programs/infer.ts";
import { patchProgram } from "../../src/graph/programs/intervene.ts";
import { lastProgram, middleProgram } from "../../src/graph/programs/part.ts";
import { trainProgram } from "../../src/graph/programs/train.ts";
import { downstreamOf, partBetween } from "../../src/graph/suffix.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { feedsFor } from "./every-program.ts";
import { relativeError } from "./programs.ts";

const BATCH = 4;
const CLASSES = 5;

function conv(id: string, input: string, out: number, kernel: number, stride = 1, relu = true): ConvUnit {
  return { op: "conv", id, bn: `bn.${id}`, input, out, kernel, stride, padding: (kernel - 1) / 2, bias: true, relu };
}

/**
 * No width is a multiple of any block, some fill less than half of one; concatenations of parts that end inside a block;
 * pools, a projection.
 */
const network: Network = {
  arch: "odd",
  input: { channels: 3, height: 8, width: 8 },
  classes: CLASSES,
  nodes: [
    { op: "input", id: "input" },
    conv("a", "input", 12, 3),
    conv("b1", "a", 20, 1),
    conv("b2.r", "a", 4, 3),
    conv("b2", "b2.r", 6, 3),
    { op: "maxpool", id: "p", input: "a", kernel: 3, stride: 1, padding: 1 },
    conv("b4", "p", 3, 3),
    { op: "concat", id: "c", inputs: ["b1", "b2", "b4"] },
    { op: "maxpool", id: "q", input: "c", kernel: 3, stride: 2, padding: 1 },
    conv("d", "q", 22, 3, 2),
    conv("e", "d", 22, 3, 1, false),
    conv("s", "q", 22, 1, 2, false),
    { op: "add", id: "r", inputs: ["e", "s"], relu: true },
    { op: "maxpool", id: "m", input: "r", kernel: 2, stride: 2, padding: 0 },
    { op: "globalpool", id: "g", input: "m" },
    { op: "linear", id: "fc", input: "g", out: CLASSES },
  ],
};

/** Plain and blocked; undefined where none is blocked. */
async function eachWay(make: (lowering: Lowering) => Program, net = network): Promise<Arrays[] | undefined> {
  const block = await channelBlock();
  if (block === undefined) return undefined;
  const results: Arrays[] = [];
  const lowerings = [new PlainLowering(BATCH), new BlockedLowering(BATCH, block)];
  for (const lowering of lowerings) {
    const program = make(lowering);
    const session = await Session.open(program, { threads: 1 });
    results.push(await session.run(feedsFor(program, net)));
    await session.release();
  }
  return results;
}

const some = new Set(["a", "b1", "b4", "e"]);
/** Its first layers fill half of the smallest block. */
const narrow = buildNetwork("vgg13w4", CLASSES);
const rows = new Map(convUnits(network).map(({ id, out }) => [id, Math.min(out, 16)]));

describe("widths that are no multiple of the block: the blocked lowering gives what the plain one gives", () => {
  it.each<[string, (lowering: Lowering) => Program, Network?]>([
    ["training", (l) => trainProgram(l, network).program],
    ["fine-tuning of some rows", (l) => finetuneProgram(l, network, rows)],
    ["inference", (l) => inferProgram(l, network)],
    ["taps", (l) => tapProgram(l, network)],
    ["contribution", (l) => contributionProgram(l, network)],
    ["features and the image's gradient", (l) => featureProgram(l, network)],
    ["gains", (l) => gainProgram(l, network, "batch")],
    ["a blended pattern", (l) => blendProgram(l, network)],
    ["a pattern blended into images of a narrow network", (l) => blendProgram(l, narrow), narrow],
    ["conductance", (l) => conductanceProgram(l, network)],
    ["patching", (l) => patchProgram(l, network, some)],
    [
      "a part up to a concatenation",
      (l) => middleProgram(l, network, partBetween(network, network.nodes[0].id, "c"), ["c", "b1"]),
    ],
    ["what follows a concatenation", (l) => lastProgram(l, network, downstreamOf(network, "c"))],
    ["what follows a branch", (l) => lastProgram(l, network, downstreamOf(network, "b1"))],
  ])("%s", async (_, make, net) => {
    const results = await eachWay(make, net);
    if (!results) return;
    const [plain, ...others] = results;
    expect(plain.size).toBeGreaterThan(0);
    for (const [key, values] of plain) {
      expect(values.some((v) => v !== 0) || /\.bias#gradient$/.test(key), key).toBe(true);
      for (const blocked of others) {
        expect(blocked.get(key)!.length, key).toBe(values.length);
        expect(relativeError(blocked.get(key)!, values), key).toBeLessThan(2e-4);
      }
    }
  });

  it("padding is counted in multiplications", () => {
    expect(networkPadding(buildNetwork("resnet18w16", 10), 16)).toBe(1);
    expect(networkPadding(buildNetwork("googlenet", 10), 8)).toBe(1);
    expect(networkPadding(buildNetwork("resnet18w8", 10), 8)).toBe(1);
    const tiny: Network = {
      ...network,
      nodes: [
        { op: "input", id: "input" },
        conv("a", "input", 4, 1),
        conv("b", "a", 4, 1),
        { op: "concat", id: "c", inputs: ["a", "b"] },
        conv("d", "c", 8, 1),
        { op: "globalpool", id: "g", input: "d" },
        { op: "linear", id: "fc", input: "g", out: CLASSES },
      ],
    };
    // 3·4 + 4·4 + 8·8 multiplications a position become 3·8 + 8·8 / 2 + 8·8: two images share b's blocks, and a and b come together.
    expect(networkPadding(tiny, 8)).toBeCloseTo((24 + 32 + 64) / (12 + 16 + 64), 10);
  });
});
