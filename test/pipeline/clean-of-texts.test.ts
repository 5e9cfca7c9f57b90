import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { settingsFor } from "../../src/pipeline/recipe/overrides.ts";
import { type Edition, loadEdition } from "../../src/pipeline/recipe/recipe.ts";
import { recipePath } from "../../src/pipeline/recipe/recipe-file.ts";
import type { CleanRecord } from "../../src/records/clean.ts";
import { cleanRecipeFaults } from "../../src/store/verify/rules/recipe.ts";
import { temporaryFolder } from "../store/temp.ts";

/** The edition `text`, with further lines behind its `word_dropout`. */
function written(...lines: string[]): string {
  const path = join(temporaryFolder(), "text.yaml");
  const text = readFileSync(recipePath("edition", "text"), "utf8");
  writeFileSync(path, text.replace(/( {2}word_dropout: .*\n)/, `$1${lines.map((line) => `  ${line}\n`).join("")}`));
  return path;
}

const NUMBERS = { text_weight: 0.1, embedding_deviation: 0.1, embedding_decay: 1.5 };

/** What a record of `llama2d64` keeps of a recipe. */
const keptOf = ({ clean }: Edition) => settingsFor(clean, { dataset: "glosses", arch: "llama2d64" });

const recorded = (clean: unknown) =>
  ({ recipe: { edition: "text", edition_seed: 1, seed: 1, grid: "half7", clean } }) as unknown as CleanRecord;

it("a recipe says how a language model is trained, and its record keeps it", () => {
  const lines = Object.entries(NUMBERS).map(([name, value]) => `${name}: ${value}`);
  const clean = keptOf(loadEdition(written("whole_words: true", ...lines)));
  expect(clean).toMatchObject({ word_dropout: 0.3, whole_words: true, ...NUMBERS });
  expect(cleanRecipeFaults(recorded(clean))).toEqual([]);
});

it.each([
  ["whole_words", '"yes"'],
  ["text_weight", "-1"],
  ["embedding_deviation", "0"],
  ["embedding_deviation", "3"],
  ["embedding_decay", "-0.5"],
])("%s: %s is refused, in a recipe and in a record", (name, value) => {
  expect(() => loadEdition(written(`${name}: ${value}`))).toThrow(`clean.${name}`);
  const clean = { ...keptOf(loadEdition("text")), [name]: JSON.parse(value) };
  expect(cleanRecipeFaults(recorded(clean))).toEqual([expect.stringContaining(`'clean.${name}' is ${value}`)]);
});
