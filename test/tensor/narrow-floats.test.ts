import { describe, expect, it } from "vitest";
import { brainToNumber, halfToNumber, numberToBrain, numberToHalf } from "../../src/tensor/narrow-floats.ts";

const all = Array.from({ length: 1 << 16 }, (_, bits) => bits);

describe.each([
  ["half precision", halfToNumber, numberToHalf],
  ["bfloat16", brainToNumber, numberToBrain],
])("%s", (_, toNumber, toBits) => {
  it("gives back every value that it has", () => {
    for (const bits of all) {
      const value = toNumber(bits);
      if (Number.isNaN(value)) expect(toNumber(toBits(value))).toBeNaN();
      else expect(toBits(value), `${bits}`).toBe(bits);
    }
  });

  it("rounds to the nearer neighbour, and a tie to the even one", () => {
    const finite = all.filter((bits) => bits < 0x8000 && Number.isFinite(toNumber(bits + 1)) && bits % 97 === 0);
    for (const bits of finite) {
      const [low, high] = [toNumber(bits), toNumber(bits + 1)];
      const middle = (low + high) / 2;
      expect(toBits(middle), `${low}`).toBe(bits % 2 === 0 ? bits : bits + 1);
      expect(toBits(low + 0.45 * (high - low))).toBe(bits);
      expect(toBits(-(low + 0.55 * (high - low)))).toBe(0x8000 | (bits + 1));
    }
  });
});

it("half precision goes to infinity beyond its largest", () => {
  expect([65_504, 65_519, 65_520, -1e30].map(numberToHalf)).toEqual([0x7bff, 0x7bff, 0x7c00, 0xfc00]);
});
