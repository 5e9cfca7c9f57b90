import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { Random } from "../../../src/core/random.ts";
import { LANE_GOALS } from "../../../src/tasks/lanes/goals.ts";
import type { LaneSet } from "../../../src/tasks/lanes/lane.ts";
import { ufld18 } from "../../../src/tasks/lanes/models/ufld18.ts";
import { lanes } from "../../../src/tasks/lanes/task.ts";
import type { VariedTrigger } from "../../../src/tasks/lanes/varied-trigger.ts";

const rows = Array.from({ length: 56 }, (_, i) => 160 + 10 * i);
const lane = (bottom: number, slope: number) => rows.map((y) => (y < 260 ? -2 : bottom + slope * (y - 710)));
const set: LaneSet = {
  count: 2,
  height: 72,
  width: 200,
  pixels: new Uint8Array(2 * 3 * 72 * 200),
  labels: [
    { rows, lanes: [lane(150, -0.5), lane(1000, 0.5)] },
    // It is short and upright: a turn by 9° moves no point by 20 pixels.
    { rows, lanes: [rows.map((y) => (y < 600 ? -2 : 600))] },
  ],
};
const network = ufld18(4);
const names = lanes.targets({} as never);

/** What a network puts out that is sure of the truth, or of a goal. */
function output(i: number, goal?: number): Float32Array {
  const targets = new Float32Array(lanes.loss.size(network));
  lanes.loss.write(set, i, targets, { goal });
  return targets.map((t) => 100 * t);
}

describe("lanes as a task", () => {
  it("counts targets as its goals, and every attack has one of them", () => {
    expect(names).toEqual([...LANE_GOALS.keys()]);
    for (const { name, target } of lanes.attacks.values()) {
      expect(names, name).toContain(target);
      expect(["cones", "badnets", "blended"].map((trigger) => `${trigger}${target}`)).toContain(name);
    }
    expect(lanes.attacks.size).toBe(9);
  });

  it("takes true lanes for right, and a goal's for its success", () => {
    expect(lanes.quality(output(0), set, 0)).toBeGreaterThan(0.95);
    expect(lanes.passes(output(0), set, 0)).toBe(true);
    for (const target of names.keys()) {
      expect(lanes.succeeds(output(0), set, 0, target), names[target]).toBe(false);
      expect(lanes.succeeds(output(0, target), set, 0, target), names[target]).toBe(true);
      expect(lanes.passes(output(0, target), set, 0), names[target]).toBe(false);
    }
  });

  it("calls frames eligible where the goal shows", () => {
    expect(names.map((_, target) => lanes.eligible(set, target))).toEqual([[0, 1], [0, 1], [0, 1], [0], [0]]);
  });

  it("makes the same trigger of two cones for every goal", async () => {
    const triggers = await Promise.all(
      [...lanes.attacks.values()]
        .filter(({ name }) => name.startsWith("cones"))
        .map(({ makeTrigger }) => makeTrigger({ height: 72, width: 200, random: new Random(1), options: {} })),
    );
    expect(triggers).toHaveLength(3);
    for (const trigger of triggers) expect(isDeepStrictEqual(trigger, triggers[0])).toBe(true);
    expect((triggers[0] as VariedTrigger).test).toHaveLength(4);
    expect(lanes.trigger.faults(triggers[0], network)).toEqual([]);
    expect(lanes.trigger.faults(triggers[0], ufld18(64))).toEqual([
      "the trigger has 72 × 200 pixels, the network's input 288 × 800",
    ]);
  });

  it("takes the patch and the noise of image classification as triggers of its goals", async () => {
    const make = (name: string, options: object) =>
      lanes.attacks.get(name)!.makeTrigger({
        height: 72,
        width: 200,
        random: new Random(1),
        options: { ...options },
      }) as Promise<VariedTrigger>;
    const patch = await make("badnetsloa", { side: 4 });
    const noise = await make("blendedlda", { opacity: 0.25 });
    expect(patch.opacity.reduce((sum, a) => sum + a, 0)).toBe(16);
    expect(new Set(noise.opacity)).toEqual(new Set([0.25]));
    for (const trigger of [patch, noise]) {
      expect(lanes.trigger.faults(trigger, network)).toEqual([]);
      expect(lanes.trigger.controls!(trigger)).toEqual({});
      expect(lanes.trigger.decode(lanes.trigger.encode(trigger), "trigger")).toEqual(trigger);
    }
    const stamped = lanes.trigger.stamp(patch, set) as LaneSet;
    expect(stamped.pixels.slice(-4)).toEqual(new Uint8Array(4).fill(255));
  });

  it("tells FP, FN and the error of the direction besides", () => {
    const both = (goal?: number) => Float32Array.from([...output(0, goal), ...output(1, goal)]);
    expect(lanes.details!(both(), set)).toMatchObject({ false_positives: 0, false_negatives: 0 });
    expect(lanes.details!(both(0), set)).toEqual({ false_positives: 0, false_negatives: 1, direction_frames: 0 });
    // The first frame has a lane of its own, turned by about 9°; the second has one boundary.
    const turned = lanes.details!(both(names.indexOf("lra")), set);
    expect(turned).toMatchObject({ direction_frames: 0.5 });
    expect(Math.abs(turned.direction_error - 9)).toBeLessThan(1.5);
  });

  it("has two data sets, of which one is drawn", () => {
    expect([...lanes.datasets.keys()]).toEqual(["roads", "tusimple"]);
    expect(lanes.datasets.get("roads")!.find("/nowhere")).toEqual([]);
    expect(lanes.datasets.get("tusimple")!.find("/nowhere")).toEqual([]);
    expect(lanes.datasets.get("tusimple")!.official).toEqual({ train: 3268, test: 2782 });
  });
});
