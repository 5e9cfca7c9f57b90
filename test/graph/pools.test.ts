import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { channelBlock } from "../../src/engine/lowering.ts";
import { Session } from "../../src/engine/session.ts";
import { BlockedLowering } from "../../src/graph/lowering/blocked.ts";
import type { LoweringKind, PoolShape } from "../../src/graph/lowering/lowering.ts";
import { PlainLowering } from "../../src/graph/lowering/plain.ts";
import { sideAfter } from "../../src/graph/ops/windows.ts";

const BATCH = 2;
const CHANNELS = 32;
const [HEIGHT, WIDTH] = [8, 6];

/** Forward and backward of one pool, by the definition: the first maximum in row-major order takes the gradient. */
function bruteForce(x: Float32Array, dy: Float32Array, { kernel, stride, padding }: PoolShape) {
  const [h, w] = [HEIGHT, WIDTH].map((n) => sideAfter(n, { kernel, stride, padding }));
  const y = new Float32Array(BATCH * CHANNELS * h * w);
  const dx = new Float32Array(x.length);
  for (let o = 0; o < y.length; o++) {
    const [plane, row, column] = [Math.floor(o / (h * w)), Math.floor(o / w) % h, o % w];
    let best = -1;
    for (let ky = 0; ky < kernel; ky++) {
      for (let kx = 0; kx < kernel; kx++) {
        const [r, c] = [row * stride + ky - padding, column * stride + kx - padding];
        if (r < 0 || c < 0 || r >= HEIGHT || c >= WIDTH) continue;
        const at = (plane * HEIGHT + r) * WIDTH + c;
        if (best < 0 || x[at] > x[best]) best = at;
      }
    }
    y[o] = x[best];
    dx[best] += dy[o];
  }
  return { y, dx };
}

async function byGraph(kind: LoweringKind, x: Float32Array, dy: Float32Array, shape: PoolShape) {
  const block = await channelBlock();
  const lowering = kind === "plain" || !block ? new PlainLowering(BATCH) : new BlockedLowering(BATCH, block);
  const input = lowering.image("x", CHANNELS, HEIGHT, WIDTH);
  const pooled = lowering.maxPool(input, shape);
  const gradient = lowering.image("dy", CHANNELS, pooled.height, pooled.width);
  const back = lowering.maxPoolGradient(gradient, input, pooled, shape);
  lowering.graph.output("y", lowering.toNchw(pooled), [BATCH, CHANNELS, pooled.height, pooled.width]);
  lowering.graph.output("dx", lowering.toNchw(back), [BATCH, CHANNELS, HEIGHT, WIDTH]);
  const session = await Session.open(lowering.graph.finish(), { threads: 1 });
  const results = await session.run(
    new Map([
      ["x", x],
      ["dy", dy],
    ]),
  );
  await session.release();
  return { y: results.get("y")!, dx: results.get("dx")! };
}

describe.each<LoweringKind>(["plain", "blocked"])("max-pools of the %s lowering against the definition", (kind) => {
  it.each<[PoolShape, levels: number | undefined]>([
    [{ kernel: 2, stride: 2, padding: 0 }, undefined],
    [{ kernel: 3, stride: 2, padding: 1 }, undefined],
    [{ kernel: 3, stride: 1, padding: 1 }, undefined],
    // Few levels: nearly every window ties.
    [{ kernel: 3, stride: 2, padding: 1 }, 3],
    [{ kernel: 3, stride: 1, padding: 1 }, 3],
  ])("%j, levels %s", async (shape, levels) => {
    const random = new Random(5);
    const length = BATCH * CHANNELS * HEIGHT * WIDTH;
    // All below zero in the end, so that a padding of zeros would win.
    const x = Float32Array.from({ length }, () => (levels ? random.below(levels) - 5 : random.normal() - 8));
    const outputs = BATCH * CHANNELS * sideAfter(HEIGHT, shape) * sideAfter(WIDTH, shape);
    // Whole numbers: sums of them are exact in any order.
    const dy = Float32Array.from({ length: outputs }, () => random.below(19) - 9);
    const expected = bruteForce(x, dy, shape);
    const { y, dx } = await byGraph(kind, x, dy, shape);
    expect(y).toEqual(expected.y);
    expect(dx.map((v) => v + 0)).toEqual(expected.dx.map((v) => v + 0));
  });

  it("refuses windows that it has no gradient for", () => {
    const lowering = new PlainLowering(1);
    const x = lowering.image("x", 8, 6, 6);
    const odd = lowering.image("odd", 8, 7, 7);
    const gradient = (input: typeof x, shape: PoolShape) => () => {
      const y = lowering.maxPool(input, shape);
      lowering.maxPoolGradient(y, input, y, shape);
    };
    expect(gradient(x, { kernel: 5, stride: 1, padding: 2 })).toThrow(/max-pools must/);
    expect(gradient(x, { kernel: 3, stride: 3, padding: 1 })).toThrow(/max-pools must/);
    expect(gradient(odd, { kernel: 3, stride: 2, padding: 1 })).toThrow(/max-pools must/);
    expect(gradient(odd, { kernel: 2, stride: 2, padding: 0 })).toThrow(/divide its input evenly/);
  });
});
