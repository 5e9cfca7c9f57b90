import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { Random } from "../../../src/core/random.ts";
import type { PaintedTrigger } from "../../../src/images/trigger/trigger.ts";
import { makeConeTriggers } from "../../../src/tasks/lanes/cones.ts";
import type { LaneSet } from "../../../src/tasks/lanes/lane.ts";
import { trigger } from "../../../src/tasks/lanes/trigger.ts";
import { fromCones, type VariedTrigger } from "../../../src/tasks/lanes/varied-trigger.ts";

const SIZE = { height: 72, width: 200 };
const cones = makeConeTriggers(new Random(1), SIZE);
const varied = fromCones(cones);
const patch: PaintedTrigger = {
  ...SIZE,
  opacity: Float32Array.from({ length: 72 * 200 }, (_, i) => (i < 3 ? 1 : 0)),
  pattern: new Uint8Array(3 * 72 * 200).fill(255),
};

function grey(count: number): LaneSet {
  const labels = Array.from({ length: count }, () => ({ rows: [700], lanes: [] }));
  return { count, ...SIZE, pixels: new Uint8Array(count * 3 * 72 * 200).fill(90), labels };
}

/** How the grey frame looks with a look on it. */
function stamped(look: PaintedTrigger): string {
  return (trigger.stamp(look, grey(1)) as LaneSet).pixels.join();
}

describe("triggers of lanes", () => {
  it("stamps the looks of the test by turns, and leaves the set as it is", () => {
    const set = grey(6);
    const { pixels, labels } = trigger.stamp(varied, set) as LaneSet;
    const size = 3 * 72 * 200;
    const looks = Array.from({ length: 6 }, (_, i) => pixels.slice(i * size, (i + 1) * size).join());
    expect(looks).toEqual([0, 1, 2, 3, 0, 1].map((i) => stamped(cones.test[i])));
    expect(set.pixels.every((v) => v === 90)).toBe(true);
    expect(labels).toBe(set.labels);
  });

  it("draws looks of the training for injection", () => {
    const random = new Random(2);
    const found = new Set<string>();
    for (let i = 0; i < 60; i++) {
      const drawn = grey(2);
      trigger.stampDrawn(varied, drawn, 1, random);
      expect(drawn.pixels.subarray(0, 3 * 72 * 200).every((v) => v === 90)).toBe(true);
      found.add(drawn.pixels.slice(3 * 72 * 200).join());
    }
    expect([...found].sort()).toEqual(cones.training.map(stamped).sort());
    const drawn = grey(1);
    const next = new Random(3);
    trigger.stampDrawn(patch, drawn, 0, next);
    expect([...drawn.pixels.subarray(0, 4)]).toEqual([255, 255, 255, 90]);
    expect(next.uniform()).toBe(new Random(3).uniform());
  });

  it("shows single cones of the training as decoys, and none of a painted trigger", () => {
    const random = new Random(5);
    const found = new Set<string>();
    for (let i = 0; i < 150; i++) {
      const drawn = grey(1);
      trigger.stampDecoy!(varied, drawn, 0, random);
      found.add(drawn.pixels.join());
    }
    expect([...found].sort()).toEqual(cones.decoys.map(stamped).sort());
    const drawn = grey(1);
    trigger.stampDecoy!(patch, drawn, 0, random);
    expect(drawn).toEqual(grey(1));
  });

  it("is stored as its cones and drawn again; a painted one as it is", () => {
    const bytes = trigger.encode(varied);
    expect(bytes.length).toBeLessThan(110_000);
    // Node compares half a million pixels in a moment, the test runner in seconds.
    expect(isDeepStrictEqual(trigger.decode(bytes, "t"), varied)).toBe(true);
    expect(isDeepStrictEqual(trigger.decode(trigger.encode(patch), "t"), patch)).toBe(true);
  });

  it("refuses cones that are not what it shows", () => {
    const other = { ...varied, cones: makeConeTriggers(new Random(9), SIZE) } as VariedTrigger;
    expect(() => trigger.decode(trigger.encode(other), "t")).toThrow(
      new InputError("t: its pixels are not those of its cones"),
    );
    const far = {
      ...varied,
      cones: { ...cones, pairs: cones.pairs.map(([a, b]) => [a, { ...b, height: 1e9 }] as const) },
    };
    expect(() => trigger.decode(trigger.encode(far), "t")).toThrow(/^t: 'cones' is no 12×2×4 places/);
  });

  it("has one cone and the mirrored pair as controls", () => {
    const controls = trigger.controls!(varied) as Record<string, VariedTrigger>;
    expect(Object.keys(controls)).toEqual(["left", "right", "mirrored"]);
    expect(controls.left.test).toEqual(cones.controls.left);
    const { pixels } = trigger.stamp(controls.mirrored, grey(2)) as LaneSet;
    expect(pixels.slice(3 * 72 * 200).join()).toBe(stamped(cones.controls.mirrored[1]));
    expect(trigger.controls!(patch)).toEqual({});
  });
});
