import { describe, expect, it } from "vitest";
import { freshFault, freshSeed } from "../../src/pipeline/board/benchmark.ts";
import { drawFresh, FRESH_DEFECTS, freshEdition, freshIds } from "../../src/pipeline/board/fresh.ts";
import { loadEdition, productsOf } from "../../src/pipeline/recipe/recipe.ts";

describe("the draw of fresh defects", () => {
  it("follows from the seed: the same again, others from another", () => {
    expect(freshIds(7)).toEqual(freshIds(7));
    expect(freshIds(7)).not.toEqual(freshIds(8));
  });

  it("has twice as many candidates as are wanted, each once, with every attack on every architecture among the first", () => {
    const { select } = loadEdition("board");
    for (const seed of [0, 1, 2 ** 31 - 1]) {
      const ids = freshIds(seed);
      expect(new Set(ids).size).toBe(2 * FRESH_DEFECTS);
      const first = drawFresh(freshEdition(seed)).slice(0, select.arch.length * select.attack.length);
      expect(new Set(first.map(({ arch, attack }) => `${arch} ${attack}`)).size).toBe(first.length);
      for (const { level, offset } of productsOf({ ...first[0], also: first.slice(1) })) {
        expect(select.level).toEqual(expect.arrayContaining(level));
        expect(select.offset).toEqual(expect.arrayContaining(offset));
      }
    }
  });

  it("draws clean models, signs and targets by the seed too", () => {
    const edition = freshEdition(41);
    expect(edition.seed).toBe(41);
    expect(edition.inject.target).toBe("drawn");
    expect(edition.clean_seeds).toBeGreaterThan(1);
  });

  it("is what a benchmark of that name may hold", () => {
    expect([freshSeed("fresh-12"), freshSeed("sample")]).toEqual([12, null]);
    expect(
      freshFault(
        7,
        freshIds(7)
          .slice(3)
          .map((id) => ({ id })),
      ),
    ).toBeNull();
    const strays = freshIds(8).filter((id) => !freshIds(7).includes(id));
    expect(freshFault(7, [{ id: strays[0] }])).toBe(`'${strays[0]}' is none that seed 7 draws`);
  });
});
