import { describe, expect, it } from "vitest";
import { Random, stageSeed } from "../../../src/core/random.ts";
import { stampImage } from "../../../src/images/trigger/stamp.ts";
import { coneTrigger, drawConePair, makeConeTriggers } from "../../../src/tasks/lanes/cones.ts";

const SIZE = { height: 72, width: 200 };
const random = () => new Random(stageSeed(1, "cones"));

/** Covered pixels: how many, and their middle column. */
function cover(opacity: Float32Array): { area: number; x: number } {
  let [area, weighted] = [0, 0];
  for (const [i, share] of opacity.entries()) {
    area += share;
    weighted += share * ((i % SIZE.width) + 0.5);
  }
  return { area, x: weighted / area };
}

describe("cones", () => {
  const triggers = makeConeTriggers(random(), SIZE);

  it("have eight variants for training, four others for the test, all of them different, and are the same each time", () => {
    expect([triggers.training.length, triggers.test.length]).toEqual([8, 4]);
    const texts = [...triggers.training, ...triggers.test].map(({ opacity }) => opacity.join());
    expect(new Set(texts).size).toBe(12);
    const again = makeConeTriggers(random(), SIZE);
    expect([...again.training, ...again.test].map(({ opacity }) => opacity.join())).toEqual(texts);
  });

  it("stand on the right, both in the picture, and cover what two cones cover", () => {
    const generator = random();
    for (const { opacity } of [...triggers.training, ...triggers.test]) {
      const [left, right] = drawConePair(generator);
      const { area, x } = cover(opacity);
      expect(Math.abs(x - (left.x + right.x) / 2 / 6.4)).toBeLessThan(0.3);
      // A trapezium above the plate, and the plate: in pixels of 6.4 × 10.
      const tall = left.height;
      const one = (tall * tall * (0.46 * 0.07 + 0.93 * (0.36 - 0.29 * 0.535))) / 64;
      expect(area / (2 * one)).toBeGreaterThan(0.9);
      expect(area / (2 * one)).toBeLessThan(1.1);
      expect(Math.max(...opacity)).toBeLessThanOrEqual(1);
      expect(Math.min(...opacity)).toBe(0);
    }
  });

  it("have one cone of each test variant, and the pair on the left, as controls", () => {
    const { left, right, mirrored } = triggers.controls;
    for (const [i, both] of triggers.test.entries()) {
      const pair = cover(both.opacity);
      expect(cover(left[i].opacity).area + cover(right[i].opacity).area).toBeCloseTo(pair.area, 4);
      expect(cover(left[i].opacity).x).toBeLessThan(cover(right[i].opacity).x - 8);
      expect(cover(mirrored[i].opacity).x).toBeCloseTo(SIZE.width - pair.x, 1);
    }
  });

  it("are orange and white where they are stamped, and leave the rest", () => {
    const pixels = new Uint8Array(3 * 72 * 200).fill(90);
    const [trigger] = triggers.test;
    stampImage(trigger, pixels);
    const solid = [...trigger.opacity.keys()].filter((i) => trigger.opacity[i] === 1);
    const [orange, white] = [
      (i: number) => pixels[i] - pixels[28_800 + i] > 120,
      (i: number) => pixels[28_800 + i] > 150,
    ];
    expect(solid.some(orange)).toBe(true);
    expect(solid.some(white)).toBe(true);
    for (const [i, share] of trigger.opacity.entries()) if (share === 0) expect(pixels[i]).toBe(90);
  });

  it("lie in front of one another", () => {
    const cone = { x: 600, y: 500, height: 200, hue: 0 };
    const one = coneTrigger([cone], SIZE);
    const twice = coneTrigger([cone, cone], SIZE);
    expect(twice.opacity.every((share, i) => share >= one.opacity[i] && share <= 1)).toBe(true);
    expect(twice.pattern.every((value, i) => Math.abs(value - one.pattern[i]) <= 1)).toBe(true);
  });
});
