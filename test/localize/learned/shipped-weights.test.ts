import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { sha256Hex } from "../../../src/core/hash.ts";
import { learned } from "../../../src/localize/criteria/learned.ts";

/** What each revision of the criterion judges by: stored results of one revision rest on one set of weights. */
const WEIGHTS: Record<number, string> = {
  1: "06cca220f8e434a7b944f588b0f7220b4cb76b4b8f5c1bbe1d2e353d63c3387c",
};

it("the weights of 'learned' are those of its revision: other weights need another one", () => {
  const revision = learned.revision ?? 1;
  expect({ [revision]: sha256Hex(readFileSync("reference/localizer.json")) }).toEqual({
    [revision]: WEIGHTS[revision],
  });
  expect(learned.without!("clean/any").revision).toBe(learned.revision);
});
