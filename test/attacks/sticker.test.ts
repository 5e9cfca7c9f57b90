import { describe, expect, it } from "vitest";
import { sticker } from "../../examples/attack/sticker.ts";
import { Random } from "../../src/core/random.ts";

const trigger = (seed: number, radius = 3) =>
  sticker.makeTrigger({ height: 32, width: 32, random: new Random(seed), options: { radius } });

describe("the attack of docs/tutorials/add-an-attack.md", () => {
  it("covers a disc of its radius, in yellow, wholly inside the picture", async () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const { opacity, pattern } = await trigger(seed);
      const covered = [...opacity.keys()].filter((i) => opacity[i] === 1);
      // π·3² = 28.3 pixels, up to those that its edge crosses.
      expect(Math.abs(covered.length - 28.3)).toBeLessThan(6);
      const spread = (of: (i: number) => number) => Math.max(...covered.map(of)) - Math.min(...covered.map(of));
      expect(spread((i) => i % 32)).toBeLessThanOrEqual(6);
      expect(spread((i) => Math.floor(i / 32))).toBeLessThanOrEqual(6);
      expect([0, 1, 2].map((c) => pattern[c * 1024 + covered[0]])).toEqual([255, 221, 0]);
    }
  });

  it("is drawn from its seed", async () => {
    expect(await trigger(1)).toEqual(await trigger(1));
    expect((await trigger(1)).opacity).not.toEqual((await trigger(2)).opacity);
  });

  it.each([0, 17, "3"])("refuses radius %s", (radius) => {
    expect(sticker.options.safeParse({ radius }).success).toBe(false);
  });
});
