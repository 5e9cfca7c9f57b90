import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { channelBlock } from "../../src/engine/lowering.ts";
import { Session } from "../../src/engine/session.ts";
import { type Bin, ChannelSlots } from "../../src/graph/lowering/channel-slots.ts";
import { fewRowsWeightGradient, takesFewRows } from "../../src/graph/lowering/few-rows.ts";
import { GraphBuilder } from "../../src/graph/onnx.ts";
import { randomArray, relativeError } from "./programs.ts";

const BATCH = 4;

interface Case {
  height: number;
  width: number;
  kernel: number;
  rows: number;
  /** Channels of each part of the input. */
  parts: number[];
  share: number;
}

/** OHWI, by the definition and in double precision; x and dy are NCHW. */
function byDefinition(x: Float32Array, dy: Float32Array, { height, width, kernel, rows, parts }: Case): Float32Array {
  const inputs = parts.reduce((sum, part) => sum + part);
  const sums = new Float64Array(rows * kernel * kernel * inputs);
  const half = (kernel - 1) / 2;
  for (let n = 0; n < BATCH; n++)
    for (let row = 0; row < rows; row++)
      for (let tap = 0; tap < kernel ** 2; tap++)
        for (let c = 0; c < inputs; c++)
          for (let h = 0; h < height; h++)
            for (let w = 0; w < width; w++) {
              const [r, s] = [h + Math.floor(tap / kernel) - half, w + (tap % kernel) - half];
              if (r < 0 || s < 0 || r >= height || s >= width) continue;
              const value = x[((n * inputs + c) * height + r) * width + s];
              sums[(row * kernel ** 2 + tap) * inputs + c] += value * dy[((n * rows + row) * height + h) * width + w];
            }
  return Float32Array.from(sums);
}

/** x as the blocked operators lay it out, with noise where no channel lies: nothing may depend on it. */
function blocked(x: Float32Array, { height, width, share }: Case, slots: ChannelSlots, block: number, random: Random) {
  const [owners, area] = [slots.owners(share), height * width];
  const inputs = owners.filter(Boolean).length / share;
  return Float32Array.from({ length: (BATCH / share) * owners.length * area }, (_, at) => {
    const [inner, position] = [at % block, Math.floor(at / block) % area];
    const outer = Math.floor(at / (block * area));
    const group = Math.floor((outer * block) / owners.length);
    const owner = owners[((outer * block) % owners.length) + inner];
    if (!owner) return random.normal();
    return x[((group * share + owner.image) * inputs + owner.channel) * area + position];
  });
}

const block = await channelBlock();

describe.runIf(block !== undefined)("the weight gradient of few rows", () => {
  const b = block ?? 16;
  it.each<[string, Case]>([
    ["rows of two strips", { height: 3, width: 2 * b, kernel: 3, rows: 2, parts: [2 * b], share: 1 }],
    ["one row, one strip", { height: 5, width: b, kernel: 3, rows: 1, parts: [b], share: 1 }],
    ["strips of two rows", { height: 4, width: b / 2, kernel: 3, rows: 3, parts: [3 * b], share: 1 }],
    ["one strip of a whole map", { height: 4, width: b / 4, kernel: 3, rows: 2, parts: [b], share: 1 }],
    ["images that share a block", { height: 4, width: b, kernel: 3, rows: 2, parts: [b / 2], share: 2 }],
    ["four images in a block with free slots", { height: 4, width: b / 2, kernel: 3, rows: 1, parts: [1], share: 4 }],
    ["parts that end inside a block", { height: 2, width: b, kernel: 3, rows: 2, parts: [b - 3, 2, b], share: 1 }],
    ["one pixel each", { height: 3, width: b, kernel: 1, rows: 5, parts: [2 * b], share: 1 }],
    ["one pixel each, parts", { height: 4, width: b / 2, kernel: 1, rows: 1, parts: [b + 1, 1], share: 1 }],
    ["one pixel each, shared blocks", { height: 4, width: b / 2, kernel: 1, rows: 3, parts: [b / 4], share: 4 }],
  ])("%s: the definition's", async (_, given) => {
    const { height, width, kernel, rows, parts, share } = given;
    const random = new Random(width + rows);
    const inputs = parts.reduce((sum, part) => sum + part);
    let first = 0;
    const bins = parts.map((count): Bin => {
      first += count;
      return [{ first: first - count, count }];
    });
    const slots = new ChannelSlots(bins, b, share);
    const x = randomArray(BATCH * inputs * height * width, random);
    const dy = randomArray(BATCH * rows * height * width, random);
    const graph = new GraphBuilder();
    const names = [
      graph.input("x", [BATCH / share, slots.count, height, width]),
      graph.input("dy", [BATCH, rows, height, width]),
    ];
    const gradient = fewRowsWeightGradient(
      graph,
      names[0],
      names[1],
      { batch: BATCH, block: b, height, width, kernel, rows },
      { share, owners: slots.owners(share) },
    );
    graph.output("gradient", gradient, [rows, kernel, kernel, inputs]);
    const session = await Session.open(graph.finish(), { threads: 1 });
    const feeds = new Map([
      ["x", blocked(x, given, slots, b, random)],
      ["dy", dy],
    ]);
    const found = (await session.run(feeds)).get("gradient")!;
    await session.release();
    expect(relativeError(found, byDefinition(x, dy, given))).toBeLessThan(1e-5);
  });

  it("is taken for few rows, and for all where each reads one pixel of a large map", () => {
    const map = (channels: number, side = 16) => ({ channels, height: side, width: side });
    const [wide, narrow] = [
      { out: 64, kernel: 3, stride: 1, padding: 1 },
      { out: 64, kernel: 1, stride: 1, padding: 0 },
    ];
    expect(takesFewRows(map(64), map(16), wide, 128, 16)).toBe(true);
    expect(takesFewRows(map(64), map(17), wide, 128, 16)).toBe(false);
    expect(takesFewRows(map(64, 32), map(4), { ...wide, stride: 2 }, 128, 16)).toBe(false);
    expect(takesFewRows(map(64, 2), map(4, 2), wide, 128, 16)).toBe(false);
    expect(takesFewRows(map(64), map(64), narrow, 128, 16)).toBe(true);
    expect(takesFewRows(map(64, 32), map(64), { ...narrow, stride: 2 }, 128, 16)).toBe(true);
    expect(takesFewRows(map(512, 4), map(512, 4), narrow, 128, 16)).toBe(false);
    expect(takesFewRows(map(512, 4), map(32, 4), narrow, 128, 16)).toBe(true);
  });
});
