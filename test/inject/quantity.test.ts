import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LEVELS, OFFSETS } from "../../src/core/ids.ts";
import { countNeurons } from "../../src/core/neurons.ts";
import { Random } from "../../src/core/random.ts";
import { chooseSubnetwork, quantity, randomNeighbours } from "../../src/inject/quantity.ts";

describe("Rule 2", () => {
  it("takes the sizes of docs/methods.md §6.2", () => {
    const sizes = (width: number) => LEVELS.map((level) => quantity(level, width));
    expect(sizes(64)).toEqual([1, 3, 6, 13]);
    expect(sizes(512)).toEqual([10, 26, 51, 102]);
    expect(sizes(16)).toEqual([1, 1, 2, 3]);
    expect(sizes(4)).toEqual([1, 1, 1, 1]);
    expect(sizes(2)).toEqual([1, 1, 1, 1]);
  });

  it("takes consecutive ranks from the offset, and random neighbours that are as many and none of them infected", () => {
    const layer = fc
      .integer({ min: 4, max: 128 })
      .chain((width) => fc.constant([...new Random(width).permutation(width)]));
    const anyLevel = fc.constantFrom(...LEVELS);
    fc.assert(
      fc.property(layer, layer, anyLevel, fc.constantFrom(...OFFSETS), fc.integer(), (a, b, level, top, seed) => {
        const order = { a: [...a], b: [...b] };
        const infected = chooseSubnetwork(order, level, top);
        for (const [name, ranked] of Object.entries(order)) {
          const ranks = infected[name].map((channel) => ranked.indexOf(channel)).sort((x, y) => x - y);
          expect(ranks[0]).toBe(Math.floor((top * ranked.length) / 100));
          expect(ranks).toEqual(ranks.map((_, i) => ranks[0] + i));
        }
        const others = randomNeighbours(order, infected, level, top, new Random(seed));
        expect(countNeurons(others)).toBe(countNeurons(infected));
        for (const name of ["a", "b"] as const) {
          expect(others[name].length).toBe(infected[name].length);
          expect(others[name].some((channel) => infected[name].includes(channel))).toBe(false);
        }
      }),
    );
  });
});
