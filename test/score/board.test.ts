import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CountedCell, figureOf, figuresOf, gatedWji, placesOf, within } from "../../src/score/board.ts";

const NAMED = { criterion: "own", access: "clean", budget: "short" } as const;
const side = (wji: number | null, named: number | null = 3) => ({ wji, named });
const cell = (id: string, infected: CountedCell["infected"], sham: CountedCell["sham"]): CountedCell => ({
  ...{ id, clean: "clean/signs-resnet18w4-s1", infected, sham },
});

describe("figures of a board", () => {
  const cells = [
    cell("signs-resnet18w4-badnets-small-top000", side(0.8), side(0.2)),
    // Two of one kind weigh as one.
    cell("signs-resnet18w4-badnets-small-top020", side(0.6), side(0)),
    cell("signs-resnet18w4-sra-small-top000", side(0.4, 0), side(0.4, 0)),
    {
      ...cell("signs-resnet18w4-sra-small-top020", side(1), side(null, null)),
      sham: { ...side(null, null), failed: "x" },
    },
  ];

  it("are means over kinds of defects that have both versions", () => {
    const { infected, sham, difference, defects, models, missing } = figureOf(cells, NAMED);
    expect([infected, sham, difference!.value].map((value) => value!.toFixed(6))).toEqual([
      "0.550000",
      "0.250000",
      "0.300000",
    ]);
    expect([defects, models, missing]).toEqual([3, 1, 1]);
  });

  it("count a network of which nothing is named as one in which nothing was found, where they are gated", () => {
    expect([gatedWji(side(0.4, 0)), gatedWji(side(0.4, 1)), gatedWji(side(null, null))]).toEqual([0, 0.4, null]);
    const { gated } = figureOf(cells, NAMED);
    expect([gated.infected, gated.sham]).toEqual([0.35, 0.05]);
  });

  it("stand for all defects, then for each part", () => {
    const figures = figuresOf(cells, NAMED);
    expect(figures.map(({ by, of, defects }) => [by, of, defects])).toEqual([
      [null, null, 3],
      ["dataset", "signs", 3],
      ["arch", "resnet18w4", 3],
      ["attack", "badnets", 2],
      ["attack", "sra", 1],
      ["style", "plain", 3],
      ["level", "small", 3],
    ]);
    expect(within(cells, { attack: "sra", style: "plain" })).toHaveLength(2);
    expect(figureOf([], NAMED)).toMatchObject({ infected: null, difference: null, defects: 0 });
  });
});

describe("places", () => {
  const entry = (value: number, low: number | null, high: number | null, competes = true) => ({
    ...{ difference: { value, low, high }, competes },
  });

  it("are a range where intervals overlap, and none for what does not compete", () => {
    const places = placesOf([
      entry(0.9, 0.8, 1),
      entry(0.5, 0.4, 0.6),
      entry(0.45, 0.3, 0.6),
      entry(0.7, 0.65, 0.75, false),
      entry(0.1, 0, 0.2),
      { difference: null, competes: true },
    ]);
    expect(places).toEqual([
      { best: 1, worst: 1 },
      { best: 2, worst: 3 },
      { best: 2, worst: 3 },
      null,
      { best: 4, worst: 4 },
      null,
    ]);
  });

  it("leave every place open to what has no interval", () => {
    expect(placesOf([entry(1, null, null), entry(0, -0.1, 0.1)])).toEqual([
      { best: 1, worst: 2 },
      { best: 1, worst: 2 },
    ]);
  });

  it("hold the place of the mean, whatever the intervals", () => {
    const one = fc.tuple(fc.integer({ min: -9, max: 9 }), fc.integer({ min: 0, max: 4 }));
    fc.assert(
      fc.property(fc.array(one, { minLength: 1, maxLength: 8 }), (drawn) => {
        const places = placesOf(drawn.map(([value, half]) => entry(value, value - half, value + half)));
        for (const [i, place] of places.entries()) {
          const above = drawn.filter(([value]) => value > drawn[i][0]).length;
          expect(place!.best).toBeLessThanOrEqual(above + 1);
          expect(place!.worst).toBeGreaterThanOrEqual(above + 1);
        }
      }),
    );
  });
});
