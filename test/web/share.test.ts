import { expect, it } from "vitest";
import { rateText } from "../../web/src/share.ts";

it("a rate has three digits, and of no samples there is none", () => {
  expect(rateText({ part: 2, of: 3, milliseconds: 1 })).toBe("0.667");
  expect(rateText({ part: 0, of: 0, milliseconds: 1 })).toBe("–");
});
