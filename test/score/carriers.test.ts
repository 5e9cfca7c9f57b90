import { describe, expect, it } from "vitest";
import { indexNeurons } from "../../src/core/neuron-index.ts";
import { carrierFlags, falseAlarms } from "../../src/score/carriers.ts";

const flagsOf = (n: number, at: number[]) => Uint8Array.from({ length: n }, (_, i) => (at.includes(i) ? 1 : 0));

describe("carrierFlags", () => {
  it("takes the top twentieth of the neurons that are not infected", () => {
    const effects = Float64Array.from({ length: 103 }, (_, i) => i);
    // The three strongest are infected: they neither count nor move the quantile.
    const carriers = carrierFlags(effects, flagsOf(103, [100, 101, 102]));
    expect([...carriers.keys()].filter((i) => carriers[i])).toEqual([95, 96, 97, 98, 99]);
  });

  it("finds none where nothing raises the response", () => {
    const infected = flagsOf(40, [0]);
    expect(carrierFlags(new Float64Array(40), infected).some(Boolean)).toBe(false);
    expect(
      carrierFlags(
        Float64Array.from({ length: 40 }, (_, i) => -i),
        infected,
      ).some(Boolean),
    ).toBe(false);
    expect(carrierFlags([1, 2], flagsOf(2, [0, 1])).some(Boolean)).toBe(false);
  });
});

describe("falseAlarms", () => {
  it("leaves out infected neurons and counts carriers among the rest", () => {
    const index = indexNeurons([
      { name: "a", width: 3 },
      { name: "b", width: 3 },
    ]);
    const counted = falseAlarms(index, { a: [0, 1, 2], b: [1] }, flagsOf(6, [0]), flagsOf(6, [4, 5]));
    expect(counted).toEqual({ count: 3, carriers: 1 });
    expect(falseAlarms(index, {}, flagsOf(6, [0]), flagsOf(6, [4]))).toEqual({ count: 0, carriers: 0 });
  });
});
