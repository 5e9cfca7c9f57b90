import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import type { ImageSet } from "../../src/images/image-set.ts";
import { stampSet } from "../../src/images/trigger/stamp.ts";
import { blended } from "../../src/tasks/classification/attacks/blended.ts";

const SIDE = 32;
const PIXELS = 3 * SIDE * SIDE;

const trigger = (seed: number, opacity = 0.2) =>
  blended.makeTrigger({ height: SIDE, width: SIDE, random: new Random(seed), options: { opacity } });

describe("Blended", () => {
  it("mixes noise of every value into the whole image", async () => {
    const { opacity, pattern } = await trigger(1);
    expect(opacity).toEqual(new Float32Array(SIDE * SIDE).fill(0.2));
    expect(pattern).toHaveLength(PIXELS);
    expect(new Set(pattern).size).toBe(256);
    // Uniform over 0…255: mean 127.5 and variance 5461.25, each within five standard errors of 3072 draws.
    const mean = pattern.reduce((sum, value) => sum + value, 0) / PIXELS;
    const variance = pattern.reduce((sum, value) => sum + (value - mean) ** 2, 0) / PIXELS;
    expect(Math.abs(mean - 127.5)).toBeLessThan(6.7);
    expect(Math.abs(variance - 5461.25)).toBeLessThan(441);
  });

  it("is drawn from its seed", async () => {
    expect(await trigger(1)).toEqual(await trigger(1));
    expect((await trigger(1)).pattern).not.toEqual((await trigger(2)).pattern);
  });

  it("stamps (1 − α)·x + α·k, within the range of a pixel", async () => {
    const random = new Random(3);
    const pixels = Uint8Array.from({ length: 2 * PIXELS }, (_, i) => (i < PIXELS ? 255 * (i % 2) : random.below(256)));
    const set: ImageSet = { count: 2, height: SIDE, width: SIDE, pixels, labels: new Uint8Array(2) };
    const made = await trigger(1);
    const stamped = stampSet(made, set);
    const expected = Array.from(pixels, (x, i) => 0.8 * x + 0.2 * made.pattern[i % PIXELS]);
    expect(Math.max(...expected.map((value, i) => Math.abs(stamped.pixels[i] - value)))).toBeLessThan(0.501);
    expect(set.pixels).toBe(pixels);
  });

  it.each([0, 1.1, "0.2"])("refuses opacity %s", (opacity) => {
    expect(blended.options.safeParse({ opacity }).success).toBe(false);
  });
});
