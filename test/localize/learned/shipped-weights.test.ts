import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { sha256Hex } from "../../../src/core/hash.ts";
import { learned } from "../../../src/localize/criteria/learned.ts";
import { shippedLocalizer } from "../../../src/pipeline/learned/shipped.ts";

/** What each revision of the criterion judges images and texts by: stored results of one revision rest on one set of weights. */
const WEIGHTS: Record<number, { images: string; texts: string }> = {
  1: {
    images: "06cca220f8e434a7b944f588b0f7220b4cb76b4b8f5c1bbe1d2e353d63c3387c",
    texts: "a8079d093bfd6b0ff785a40dd6a6ba8005bf32c4e83eefc7ff1292a9912e361b",
  },
};

const hashOf = (name: string) => sha256Hex(readFileSync(`reference/${name}`));

it("the weights of 'learned' are those of its revision: other weights need another one", () => {
  const revision = learned.revision ?? 1;
  expect({ [revision]: { images: hashOf("localizer.json"), texts: hashOf("localizer-texts.json") } }).toEqual({
    [revision]: WEIGHTS[revision],
  });
  expect(learned.without!("clean/any").revision).toBe(learned.revision);
});

it("of texts left out each clean model, attack and network of the text database", () => {
  const { edition, features, models, variants } = shippedLocalizer("word");
  expect([edition, models]).toEqual(["text", 126]);
  expect(features).toContain("a word stands out");
  expect(variants.map(({ without }) => without?.value ?? "all")).toEqual([
    "all",
    ...["glosses-llama2d64-s1", "glosses-llama2d64-s2", "glosses-llama4d128-s1", "glosses-llama4d128-s2"].map(
      (id) => `clean/${id}`,
    ),
    ...["sst2-llama2d64-s1", "sst2-llama2d64-s2"].map((id) => `clean/${id}`),
    ...["addsent", "rareword", "trojantoken"],
    ...["llama2d64", "llama4d128"],
  ]);
});
