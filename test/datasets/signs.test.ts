import { beforeAll, describe, expect, it } from "vitest";
import { sha256Hex } from "../../src/core/hash.ts";
import { imageSize } from "../../src/images/image-set.ts";
import type { ImageDataset } from "../../src/tasks/classification/dataset.ts";
import { SIGN_CLASSES } from "../../src/tasks/classification/datasets/signs/classes.ts";
import { drawSigns } from "../../src/tasks/classification/datasets/signs/draw.ts";
import { signs } from "../../src/tasks/classification/datasets/signs.ts";

describe("signs", () => {
  let data: ImageDataset;
  beforeAll(async () => {
    data = await signs.load({ dataDir: "/nowhere", seed: 1 });
  });

  it("has the stated sizes, 32×32 RGB, ten classes, balanced", () => {
    expect([data.train.count, data.cleanVal.count, data.test.count]).toEqual([3800, 200, 600]);
    expect(data.classes).toHaveLength(10);
    expect(data.completeness).toBe("generated");
    for (const set of [data.train, data.cleanVal, data.test]) {
      expect(set.pixels.length).toBe(set.count * 3072);
      expect(set.labels.length).toBe(set.count);
    }
    const histogram = new Array(10).fill(0);
    for (const set of [data.train, data.cleanVal]) for (const label of set.labels) histogram[label]++;
    expect(histogram).toEqual(new Array(10).fill(400));
    const test = new Array(10).fill(0);
    for (const label of data.test.labels) test[label]++;
    expect(test).toEqual(new Array(10).fill(60));
  });

  it("gives the same bytes for the same seed and other images for another", () => {
    const a = drawSigns(30, 7, "train");
    const b = drawSigns(30, 7, "train");
    expect(sha256Hex(a.pixels)).toBe(sha256Hex(b.pixels));
    expect(a.labels).toEqual(b.labels);
    expect(sha256Hex(drawSigns(30, 8, "train").pixels)).not.toBe(sha256Hex(a.pixels));
    expect(sha256Hex(drawSigns(30, 7, "test").pixels)).not.toBe(sha256Hex(a.pixels));
  });

  it("is one fixed set: the user's seed moves the split, not the images", async () => {
    const other = await signs.load({ dataDir: "/nowhere", seed: 2 });
    expect(other.dataHash).toBe(data.dataHash);
    expect(sha256Hex(other.cleanVal.pixels)).not.toBe(sha256Hex(data.cleanVal.pixels));
    // Known bytes: a change of the drawing is a change of the data set, to be made on purpose.
    expect(data.dataHash).toBe("d1c46e8db063ee637da48f6b18399837f8141e72c2e9fbea6930906e4a4ba174");
  });

  it("has normalisation figures that fit the images", () => {
    for (let c = 0; c < 3; c++) {
      let sum = 0;
      let squares = 0;
      for (let i = 0; i < data.train.count; i++) {
        for (let p = 0; p < 1024; p++) {
          const value = data.train.pixels[i * 3072 + c * 1024 + p] / 255;
          sum += value;
          squares += value * value;
        }
      }
      const n = data.train.count * 1024;
      expect(sum / n).toBeCloseTo(data.normalization.mean[c], 2);
      expect(Math.sqrt(squares / n - (sum / n) ** 2)).toBeCloseTo(data.normalization.std[c], 2);
    }
  });

  it("has clutter in the bottom-right corner, where triggers go", () => {
    const size = imageSize(data.test);
    for (let c = 0; c < 3; c++) {
      let flat = 0;
      const means: number[] = [];
      for (let i = 0; i < data.test.count; i++) {
        const corner: number[] = [];
        for (let y = 29; y < 32; y++)
          for (let x = 29; x < 32; x++) corner.push(data.test.pixels[i * size + c * 1024 + y * 32 + x]);
        if (Math.min(...corner) === Math.max(...corner)) flat++;
        means.push(corner.reduce((a, b) => a + b) / 9);
      }
      const mean = means.reduce((a, b) => a + b) / means.length;
      const spread = Math.sqrt(means.reduce((a, b) => a + (b - mean) ** 2, 0) / means.length);
      expect(flat / data.test.count).toBeLessThan(0.15);
      expect(spread).toBeGreaterThan(30);
    }
  });

  it("shares every colour scheme among six classes, and outlines and symbols too", () => {
    const uses = new Map<unknown, number>();
    for (const { schemes } of SIGN_CLASSES) for (const scheme of schemes) uses.set(scheme, (uses.get(scheme) ?? 0) + 1);
    expect([...uses.values()]).toEqual([6, 6, 6, 6, 6]);
  });
});
