import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { decodeTrigger, encodeTrigger } from "../../src/images/trigger/codec.ts";
import { stampImage, stampSet } from "../../src/images/trigger/stamp.ts";
import type { WarpTrigger } from "../../src/images/trigger/trigger.ts";
import { wanet } from "../../src/tasks/classification/attacks/wanet.ts";
import { trigger as codec } from "../../src/tasks/classification/trigger.ts";

const SIDE = 32;
const PLANE = SIDE * SIDE;
const size = { height: SIDE, width: SIDE };
const make = (seed: number, strength = 0.5) =>
  wanet.makeTrigger({ ...size, random: new Random(seed), options: { grid: 4, strength } });
const bend = (flow: number[]): WarpTrigger => ({ kind: "warp", ...size, flow: Float32Array.from(flow) });
/** A picture whose pixel at row i and column j is 7·i + j in every channel. */
const slope = () => Uint8Array.from({ length: 3 * PLANE }, (_, k) => 7 * Math.floor((k % PLANE) / SIDE) + (k % SIDE));

describe("a bend", () => {
  it("of nothing leaves a picture as it is", () => {
    const pixels = slope();
    stampImage(bend(Array(2 * PLANE).fill(0)), pixels);
    expect([...pixels]).toEqual([...slope()]);
  });

  it("takes rows first and columns second, between pixels and at the edges", () => {
    // Two rows down and half a column to the right of a slope adds 14.5, rounded up; what lies beyond the picture is its edge.
    const pixels = slope();
    stampImage(bend(Array.from({ length: 2 * PLANE }, (_, k) => (k < PLANE ? 2 : 0.5))), pixels);
    const at = (i: number, j: number) => pixels[i * SIDE + j];
    expect([at(0, 0), at(5, 9), at(29, 30)]).toEqual([15, 35 + 9 + 15, 7 * 31 + 31]);
    expect([at(31, 0), at(3, 31)]).toEqual([7 * 31 + 1, 35 + 31]);
    expect(pixels.subarray(PLANE, 2 * PLANE)).toEqual(pixels.subarray(0, PLANE));
  });

  it("is stored as it is; one beyond the picture is a fault", async () => {
    const trigger = await make(1);
    expect(decodeTrigger(encodeTrigger(trigger), "t")).toEqual(trigger);
    const input = { channels: 3, ...size };
    expect(codec.faults(trigger, { input })).toEqual([]);
    expect(codec.faults(bend(Array(2 * PLANE).fill(33)), { input })).toEqual([
      "the trigger's flow is outside -32 to 32 pixels",
    ]);
  });
});

describe("WaNet", () => {
  it("moves pixels smoothly, by half its strength in the mean, and none from beyond the picture", async () => {
    const { flow } = await make(1, 4);
    const of = (axis: number, i: number, j: number) => flow[axis * PLANE + i * SIDE + j];
    const steps: number[] = [];
    for (let i = 0; i < SIDE; i++) {
      for (let j = 0; j < SIDE; j++) {
        expect(i + of(0, i, j)).toBeGreaterThanOrEqual(-1e-6);
        expect(i + of(0, i, j)).toBeLessThanOrEqual(SIDE - 1 + 1e-5);
        expect(j + of(1, i, j)).toBeGreaterThanOrEqual(-1e-6);
        if (j > 2 && j < SIDE - 2) steps.push(Math.abs(of(0, i, j) - of(0, i, j - 1)));
      }
    }
    expect(Math.max(...steps)).toBeLessThan(1);
    const inside = Array.from({ length: 400 }, (_, n) =>
      of(n % 2, 6 + (Math.floor(n / 2) % 20), 6 + Math.floor(n / 40)),
    );
    const mean = inside.reduce((sum, f) => sum + Math.abs(f), 0) / inside.length;
    expect(mean).toBeGreaterThan(0.5);
    expect(mean).toBeLessThan(4);
  });

  it("is drawn from its seed", async () => {
    expect(await make(1)).toEqual(await make(1));
    expect((await make(1)).flow).not.toEqual((await make(2)).flow);
  });

  it("has other bends as decoys, each drawn anew; what is painted has none", async () => {
    const trigger = await make(1);
    const random = new Random(3);
    const drawn = () => ({ count: 1, ...size, pixels: slope(), labels: new Uint8Array(1) });
    const [first, second] = [drawn(), drawn()];
    codec.stampDecoy!(trigger, first, 0, random);
    codec.stampDecoy!(trigger, second, 0, random);
    expect(first.pixels).not.toEqual(second.pixels);
    expect(first.pixels).not.toEqual(stampSet(trigger, drawn()).pixels);
    const painted = { ...size, opacity: new Float32Array(PLANE).fill(1), pattern: new Uint8Array(3 * PLANE) };
    const untouched = drawn();
    codec.stampDecoy!(painted, untouched, 0, random);
    expect(untouched.pixels).toEqual(slope());
  });

  it.each([{ grid: 1, strength: 1 }, { grid: 4, strength: 0 }, { grid: 4 }])("refuses %o", (options) => {
    expect(wanet.options.safeParse(options).success).toBe(false);
  });
});
