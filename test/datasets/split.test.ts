import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { splitAtRandom, splitByTrack } from "../../src/datasets/split.ts";

describe("splitAtRandom", () => {
  it("parts the images in 95 % and 5 %, each on one side", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 3000 }), fc.integer(), (count, seed) => {
        const { train, cleanVal } = splitAtRandom(count, seed, "some");
        expect(cleanVal.length).toBe(Math.max(1, Math.round(0.05 * count)));
        const all = [...train, ...cleanVal].sort((a, b) => a - b);
        expect(all).toEqual(Array.from({ length: count }, (_, i) => i));
      }),
      { numRuns: 30 },
    );
  });

  it("depends on the seed and the data set's name", () => {
    const held = (seed: number, name: string) => splitAtRandom(1000, seed, name).cleanVal;
    expect(held(1, "a")).toEqual(held(1, "a"));
    expect(held(2, "a")).not.toEqual(held(1, "a"));
    expect(held(1, "b")).not.toEqual(held(1, "a"));
  });

  it("refuses a single image", () => {
    expect(() => splitAtRandom(1, 1, "some")).toThrow(InputError);
  });
});

describe("splitByTrack", () => {
  it("keeps tracks whole, with every class on both sides", () => {
    const classes = fc.array(fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 2, maxLength: 40 }), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(classes, fc.integer(), (frames, seed) => {
        const labels: number[] = [];
        const tracks: number[] = [];
        frames.forEach((perTrack, label) => {
          perTrack.forEach((count, track) => {
            for (let i = 0; i < count; i++) {
              labels.push(label);
              tracks.push(track);
            }
          });
        });
        const { train, cleanVal } = splitByTrack(labels, tracks, seed, "some");
        const sides = [train, cleanVal].map((side) => new Set([...side].map((i) => `${labels[i]}/${tracks[i]}`)));
        expect([...sides[0]].filter((track) => sides[1].has(track))).toEqual([]);
        expect(train.length + cleanVal.length).toBe(labels.length);
        frames.forEach((perTrack, label) => {
          const held = [...sides[1]].filter((track) => track.startsWith(`${label}/`)).length;
          expect(held).toBe(Math.max(1, Math.round(0.05 * perTrack.length)));
        });
      }),
      { numRuns: 50 },
    );
  });

  it("names a class that cannot be split", () => {
    expect(() => splitByTrack([0, 0, 4, 4], [0, 1, 3, 3], 1, "some")).toThrow(/class 4 has a single track/);
  });
});
