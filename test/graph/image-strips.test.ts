import { expect, test } from "vitest";
import { Random } from "../../src/core/random.ts";
import { channelBlock } from "../../src/engine/lowering.ts";
import { Session } from "../../src/engine/session.ts";
import { BlockedLowering } from "../../src/graph/lowering/blocked.ts";
import { columnParts, paysByImageStrips } from "../../src/graph/lowering/image-strips.ts";
import type { ConvShape } from "../../src/graph/lowering/lowering.ts";
import { randomArray, relativeError } from "./programs.ts";

/** Takes strips of images wherever they are possible, so that no other way hides them. */
class Strips extends BlockedLowering {
  taken = 0;

  protected override minimalGradientTile(): undefined {
    return undefined;
  }

  protected override takesImageStrips(...[x, dy, shape]: Parameters<BlockedLowering["takesImageStrips"]>): boolean {
    const images = Math.max(this.slots(x).share, this.slots(dy).share);
    const possible = shape.kernel > 1 && this.batch % (images * this.block) === 0;
    if (possible) this.taken++;
    return possible;
  }
}

/** By the definition, in float64: x `[N, C, H, W]`, dy `[N, K, h, w]`, the gradient OHWI. */
function byDefinition(x: Float32Array, dy: Float32Array, batch: number, c: number, side: number, shape: ConvShape) {
  const { out, kernel, stride, padding } = shape;
  const after = Math.floor((side + 2 * padding - kernel) / stride) + 1;
  const sums = new Float64Array(out * kernel * kernel * c);
  for (let n = 0; n < batch; n++)
    for (let k = 0; k < out; k++)
      for (let h = 0; h < after; h++)
        for (let w = 0; w < after; w++) {
          const g = dy[((n * out + k) * after + h) * after + w];
          for (let tap = 0; tap < kernel * kernel; tap++) {
            const row = h * stride + Math.floor(tap / kernel) - padding;
            const column = w * stride + (tap % kernel) - padding;
            if (row < 0 || column < 0 || row >= side || column >= side) continue;
            for (let i = 0; i < c; i++)
              sums[(k * kernel * kernel + tap) * c + i] += g * x[((n * c + i) * side + row) * side + column];
          }
        }
  return { sums, after };
}

test.each([
  { name: "whole blocks", c: 16, out: 32, side: 6 },
  { name: "several blocks in one part", c: 48, out: 16, side: 5 },
  { name: "several parts", c: 96, out: 16, side: 10 },
  { name: "blocks with free slots", c: 20, out: 19, side: 4 },
  { name: "blocks that images share on both sides", c: 8, out: 8, side: 4, batch: 64 },
  { name: "blocks that images share on one side", c: 4, out: 16, side: 4, batch: 64 },
  { name: "few channels in blocks that four images share", c: 3, out: 4, side: 4, batch: 64 },
  { name: "every second position", c: 16, out: 32, side: 8, stride: 2 },
  { name: "every second position of an odd side", c: 16, out: 16, side: 7, stride: 2 },
  { name: "a larger kernel", c: 16, out: 16, side: 6, kernel: 5 },
  { name: "a picture", c: 3, out: 16, side: 6, picture: true },
  { name: "a picture and free slots", c: 3, out: 19, side: 6, picture: true },
  { name: "a picture and blocks that images share", c: 3, out: 8, side: 4, batch: 64, picture: true },
  { name: "a grey picture, every second position of an odd side", c: 1, out: 16, side: 7, stride: 2, picture: true },
])("a weight gradient by strips of images, $name: the definition's", async ({ c, out, side, ...rest }) => {
  const block = await channelBlock();
  if (block === undefined) return;
  const { batch = 32, stride = 1, kernel = 3, picture = false } = rest;
  const shape = { out, kernel, stride, padding: (kernel - 1) / 2 };
  const random = new Random(c * out + side);
  const x = randomArray(batch * c * side * side, random);
  const after = Math.floor((side + 2 * shape.padding - kernel) / stride) + 1;
  const dy = randomArray(batch * out * after * after, random);
  const lowering = new Strips(batch, block);
  const { graph } = lowering;
  const from = picture ? lowering.image("x", c, side, side) : lowering.feature("x", c, side, side);
  const to = lowering.feature("dy", out, after, after);
  graph.output("dw", lowering.convWeightGradient(from, to, shape), [out, kernel, kernel, c]);
  expect(lowering.taken).toBe(1);
  const session = await Session.open(graph.finish(), { threads: 1 });
  const found = (await session.run(new Map(Object.entries({ x, dy })))).get("dw")!;
  expect(relativeError(found, Float32Array.from(byDefinition(x, dy, batch, c, side, shape).sums))).toBeLessThan(3e-6);
  await session.release();
});

test("parts of a row's values fit the ways of the cache, and all blocks are in one of them", () => {
  expect(columnParts(4, 16, 32)).toEqual([1, 1, 1, 1]);
  expect(columnParts(5, 16, 16)).toEqual([2, 2, 1]);
  expect(columnParts(4, 16, 4)).toEqual([4]);
  expect(columnParts(2, 16, 1000)).toEqual([1, 1]);
});

test("strips are taken where few products are for nothing, or all is one block", () => {
  expect(paysByImageStrips(16, 16, 16, 16 * 16)).toBe(true);
  expect(paysByImageStrips(16, 16, 16, 2 * 8 * 8)).toBe(true);
  expect(paysByImageStrips(32, 32, 16, 20 * 20)).toBe(false);
  expect(paysByImageStrips(64, 32, 16, 60 * 30)).toBe(true);
});
