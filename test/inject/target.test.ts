import { describe, expect, it } from "vitest";
import { OFFSETS } from "../../src/core/ids.ts";
import { DRAWN, drawnInTurn, targetOf, UNLED } from "../../src/inject/target.ts";

const place = { dataset: "gtsrb", arch: "vgg13w8", attack: "badnets", level: "small", top: 20 } as const;

describe("the target of a candidate", () => {
  it("is the recipe's where that names a class", () => {
    expect(targetOf(7, 1, place, 43)).toBe(7);
  });

  it("is drawn from the candidate's own seed otherwise: again the same, and another for what differs", () => {
    const drawn = (seed: number, change: Partial<Record<keyof typeof place, string | number>> = {}) =>
      targetOf(DRAWN, seed, { ...place, ...change } as typeof place, 1000);
    expect(drawn(1)).toBe(drawn(1));
    const others = [
      drawn(2),
      drawn(1, { dataset: "cifar10" }),
      drawn(1, { arch: "vgg16w8" }),
      drawn(1, { attack: "sra" }),
      drawn(1, { level: "large" }),
      drawn(1, { top: 25 }),
    ];
    expect(new Set([drawn(1), ...others]).size).toBe(7);
  });

  it("is followed by every other class once, in an order of the candidate's own, where a draw does not do", () => {
    const turn = drawnInTurn(1, place, 43);
    expect(turn[0]).toBe(targetOf(DRAWN, 1, place, 43));
    expect(targetOf(UNLED, 1, place, 43)).toBe(turn[0]);
    expect([...turn].sort((a, b) => a - b)).toEqual([...Array(43).keys()]);
    expect(drawnInTurn(1, { ...place, top: 25 }, 43)).not.toEqual(turn);
  });

  it("is every class as often as any other", () => {
    const counts = new Array<number>(10).fill(0);
    for (let seed = 0; seed < 1000; seed++) {
      for (const top of OFFSETS) counts[targetOf(DRAWN, seed, { ...place, top }, 10)]++;
    }
    // 900 are expected of each, give or take 28.
    for (const count of counts) expect(Math.abs(count - 900)).toBeLessThan(120);
  });
});
