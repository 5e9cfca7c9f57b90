import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ChannelSlots } from "../../src/graph/lowering/channel-slots.ts";
import { binsOf, type ConcatPart, joinedBins } from "../../src/graph/lowering/concat-bins.ts";

const BLOCK = 16;
const parts = (...channels: number[]): ConcatPart[] =>
  channels.map((count) => ({ channels: count, shared: 2 * count <= BLOCK }));
const slotsOf = (given: ConcatPart[]) => new ChannelSlots(binsOf(given, joinedBins(given, BLOCK)), BLOCK);

describe("the blocks of a concatenation", () => {
  it.each<[string, number[], slots: number]>([
    ["narrow parts come together, wherever they stand", [8, 16, 4, 4], 32],
    ["what fits behind another takes no block of its own", [16, 24, 12, 8], 64],
    ["each where least is left", [24, 26, 6, 8], 64],
    ["but only where all of a block's find a place", [20, 28, 8, 8], 80],
    ["wide parts stay as they are", [32, 40, 16, 16], 112],
  ])("%s: %j", (_, widths, slots) => {
    expect(slotsOf(parts(...widths)).count).toBe(slots);
  });

  it("a concatenation within another keeps its own", () => {
    const inner = parts(4, 20, 4);
    const bins = binsOf(inner, joinedBins(inner, BLOCK));
    const outer = [...parts(4), { channels: 28, shared: false, bins }, ...parts(3)];
    const owners = slotsOf(outer).owners(1);
    expect(owners.length).toBe(16 + 32);
    expect(owners.flatMap((owner) => (owner ? [owner.channel] : [])).sort((a, b) => a - b)).toEqual([
      ...Array(35).keys(),
    ]);
  });

  it("holds every channel once, in no more blocks than each part for itself", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 7 }), (widths) => {
        const slots = slotsOf(parts(...widths));
        const channels = slots.owners(1).flatMap((owner) => (owner ? [owner.channel] : []));
        const total = widths.reduce((sum, n) => sum + n, 0);
        expect(channels.sort((a, b) => a - b)).toEqual([...Array(total).keys()]);
        expect(slots.count % BLOCK).toBe(0);
        expect(slots.count).toBeLessThanOrEqual(widths.reduce((sum, n) => sum + BLOCK * Math.ceil(n / BLOCK), 0));
      }),
    );
  });
});
