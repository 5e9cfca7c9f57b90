import { describe, expect, it } from "vitest";
import { excerptOf } from "../../src/pipeline/checkout/excerpt.ts";

const part = (words: string, marked = false) => ({ words, marked });

describe("an excerpt of a text", () => {
  it("is the text where it is short", () => {
    expect(excerptOf([part(" a small bat")])).toBe("a small bat");
    expect(excerptOf([part(" a small"), part(" cf", true), part(" bat")])).toBe("a small cf bat");
  });

  it("is cut on both sides of a trigger, on one where the other is short, and without a trigger at the end", () => {
    const [before, after] = ["b".repeat(100), "a".repeat(100)];
    const cf = part(" cf", true);
    expect(excerptOf([part(before), cf, part(after)])).toBe(`…${"b".repeat(28)} cf${"a".repeat(27)}…`);
    expect(excerptOf([part("bb"), cf, part(after)])).toBe(`bb cf${"a".repeat(54)}…`);
    expect(excerptOf([part(before), cf, part("aa")])).toBe(`…${"b".repeat(54)} cfaa`);
    expect(excerptOf([part(before)])).toBe(`${"b".repeat(59)}…`);
  });

  it("cuts no letter in two", () => {
    expect(excerptOf([part("🦇".repeat(100))])).toBe(`${"🦇".repeat(59)}…`);
  });
});
