import { expect, it } from "vitest";
import { glossMerges, readGlosses } from "../../../src/tasks/language/datasets/glosses.ts";
import { spaced } from "../../../src/tasks/language/language-of.ts";
import { MERGES } from "../../../src/tasks/language/tokenizer/file.ts";
import { trainMerges } from "../../../src/tasks/language/tokenizer/train.ts";

it("training on the glosses gives the merges that come with them", () => {
  expect(trainMerges(readGlosses().train.texts.map(spaced), MERGES)).toEqual(glossMerges());
});
