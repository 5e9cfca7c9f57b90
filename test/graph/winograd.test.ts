import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { channelBlock } from "../../src/engine/lowering.ts";
import { Session } from "../../src/engine/session.ts";
import { BlockedLowering } from "../../src/graph/lowering/blocked.ts";
import { PlainLowering } from "../../src/graph/lowering/plain.ts";
import {
  type WinogradShape,
  winogradConv,
  winogradGradientTile,
  winogradInputGradient,
  winogradTile,
  winogradWeightGradient,
} from "../../src/graph/lowering/winograd.ts";
import type { ConvUnit, Network } from "../../src/graph/network.ts";
import { GraphBuilder } from "../../src/graph/onnx.ts";
import { finetuneProgram } from "../../src/graph/programs/finetune.ts";
import { inferProgram } from "../../src/graph/programs/infer.ts";
import { trainProgram } from "../../src/graph/programs/train.ts";
import { feedsFor } from "./every-program.ts";
import { randomArray, relativeError } from "./programs.ts";

/** The convolution and both gradients by their definition, in float64. Maps are `[H·W, N·C]`, weights OHWI. */
function byDefinition(x: Float32Array, weight: Float32Array, dy: Float32Array, shape: WinogradShape) {
  const { batch, side, inputs, outputs } = shape;
  const [y, dx, dw] = [dy.length, x.length, weight.length].map((length) => new Float64Array(length));
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++)
      for (let tap = 0; tap < 9; tap++) {
        const [r, c] = [row + Math.floor(tap / 3) - 1, column + (tap % 3) - 1];
        if (r < 0 || c < 0 || r >= side || c >= side) continue;
        for (let n = 0; n < batch; n++)
          for (let o = 0; o < outputs; o++)
            for (let i = 0; i < inputs; i++) {
              const at = ((row * side + column) * batch + n) * outputs + o;
              const from = ((r * side + c) * batch + n) * inputs + i;
              const w = (o * 9 + tap) * inputs + i;
              y[at] += weight[w] * x[from];
              dx[from] += weight[w] * dy[at];
              dw[w] += x[from] * dy[at];
            }
      }
  return { y, dx, dw };
}

describe("minimal filtering", () => {
  it.each([
    [2, 2],
    [2, 4],
    [2, 6],
    [2, 8],
    [4, 4],
    [4, 8],
    [4, 16],
  ] as const)("by tiles of %i, of maps of side %i: the definition's convolution and gradients", async (tile, side) => {
    const shape = { batch: 3, side, tile, inputs: 5, outputs: 7 };
    const [positions, random] = [side * side, new Random(side)];
    const x = randomArray(positions * 3 * 5, random);
    const weight = randomArray(7 * 9 * 5, random);
    const dy = randomArray(positions * 3 * 7, random);
    const graph = new GraphBuilder();
    graph.input("x", [positions, 15]);
    graph.input("weight", [7, 3, 3, 5]);
    graph.input("dy", [positions, 21]);
    graph.output("y", winogradConv(graph, "x", "weight", shape), [positions, 21]);
    graph.output("dx", winogradInputGradient(graph, "dy", "weight", shape), [positions, 15]);
    graph.output("dw", winogradWeightGradient(graph, "x", "dy", shape), [7, 3, 3, 5]);
    const session = await Session.open(graph.finish(), { threads: 1 });
    const results = await session.run(new Map(Object.entries({ x, weight, dy })));
    for (const [key, values] of Object.entries(byDefinition(x, weight, dy, shape))) {
      expect(relativeError(results.get(key)!, Float32Array.from(values)), key).toBeLessThan(2e-6);
    }
    await session.release();
  });

  it("is taken for wide layers of small maps alone", () => {
    const unit = { out: 256, kernel: 3, stride: 1, padding: 1 };
    const map = (channels: number, side: number) => ({ channels, height: side, width: side });
    expect(winogradTile(map(256, 8), unit, 128)).toBe(4);
    expect(winogradTile(map(256, 2), unit, 128)).toBe(2);
    expect(winogradTile(map(256, 8), unit, 1)).toBeUndefined();
    expect(winogradTile(map(256, 7), unit, 128)).toBeUndefined();
    expect(winogradTile(map(256, 64), unit, 128)).toBeUndefined();
    expect(winogradTile({ channels: 256, height: 8, width: 4 }, unit, 128)).toBeUndefined();
    expect(winogradTile(map(256, 8), { ...unit, stride: 2 }, 128)).toBeUndefined();
    expect(winogradTile(map(256, 8), { ...unit, kernel: 1, padding: 0 }, 128)).toBeUndefined();
    expect(winogradTile(map(32, 8), { ...unit, out: 32 }, 128)).toBeUndefined();
    expect(winogradGradientTile(map(32, 8), unit, 32, 128)).toBe(4);
    expect(winogradGradientTile(map(256, 8), unit, 15, 128)).toBeUndefined();
  });
});

/** As few as make enough tiles of 8×8 maps. */
const BATCH = 16;
const conv = (id: string, input: string, relu = true, out = 192): ConvUnit => {
  return { op: "conv", id, bn: `bn.${id}`, input, out, kernel: 3, stride: 1, padding: 1, bias: true, relu };
};

/** Wide enough on 8×8 maps, with a residual sum and a layer whose outputs do not fill their last block. */
const network: Network = {
  arch: "wide",
  input: { channels: 3, height: 8, width: 8 },
  classes: 5,
  nodes: [
    { op: "input", id: "input" },
    conv("a", "input"),
    conv("b", "a"),
    conv("c", "b", false),
    { op: "add", id: "r", inputs: ["c", "a"], relu: true },
    conv("d", "r", true, 203),
    { op: "globalpool", id: "g", input: "d" },
    { op: "linear", id: "fc", input: "g", out: 5 },
  ],
};

describe("a network with wide layers: the blocked lowering gives what the plain one gives", () => {
  const rows = new Map(["a", "b", "c", "d"].map((id) => [id, 96]));

  it("is one that minimal filtering is taken for", () => {
    const [x, shape] = [
      { channels: 192, height: 8, width: 8 },
      { out: 192, kernel: 3, stride: 1, padding: 1 },
    ];
    expect(winogradTile(x, shape, BATCH)).toBe(4);
    expect(winogradGradientTile(x, shape, 96, BATCH)).toBe(4);
  });

  it.each([
    ["training", (l: PlainLowering | BlockedLowering) => trainProgram(l, network).program],
    ["fine-tuning", (l: PlainLowering | BlockedLowering) => finetuneProgram(l, network, rows)],
    ["inference", (l: PlainLowering | BlockedLowering) => inferProgram(l, network)],
  ] as const)("%s", async (_, make) => {
    const block = await channelBlock();
    if (block === undefined) return;
    const [plain, blocked] = await Promise.all(
      [new PlainLowering(BATCH), new BlockedLowering(BATCH, block)].map(async (lowering) => {
        const program = make(lowering);
        const session = await Session.open(program, { threads: 1 });
        const results = await session.run(feedsFor(program, network));
        await session.release();
        return results;
      }),
    );
    expect(plain.size).toBeGreaterThan(0);
    for (const [key, values] of plain) {
      expect(relativeError(blocked.get(key)!, values), key).toBeLessThan(2e-4);
    }
  });
});
