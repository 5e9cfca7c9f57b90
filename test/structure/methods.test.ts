import { describe, expect, it } from "vitest";
import { countParameters, neuronLayers } from "../../src/graph/network.ts";
import { LEVEL_SIZES } from "../../src/inject/quantity.ts";
import { CRITERIA } from "../../src/localize/registry.ts";
import { REPAIRS } from "../../src/repair/registry.ts";
import { FULL_WIDTH } from "../../src/tasks/architectures.ts";
import { ATTACKS } from "../../src/tasks/classification/attacks/registry.ts";
import { DATASETS } from "../../src/tasks/classification/datasets/registry.ts";
import { ARCHITECTURES } from "../../src/tasks/classification/models/registry.ts";
import { textOf } from "./sources.ts";

const page = textOf("docs/methods.md");

/** The text of a chapter or section, its sub-sections included. */
function section(number: string): string {
  const [heading, ...lines] = page
    .slice(page.search(new RegExp(`^#+ ${number.replace(".", "\\.")} `, "m")))
    .split("\n");
  const next = number.includes(".") ? /^#{2,3} / : /^## /;
  const end = lines.findIndex((line) => next.test(line));
  return [heading, ...lines.slice(0, end < 0 ? undefined : end)].join("\n");
}

/** The cells of the rows of a section's table that begin with a name in a code span. */
function rowsOf(number: string): string[][] {
  return section(number)
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll("`", "")),
    );
}

const bare = (values: readonly number[], digits: number) =>
  values.map((value) => value.toFixed(digits).replace(/^0/, "")).join(" ");

describe("docs/methods.md states what the code holds", () => {
  it("of data sets", () => {
    const expected = [...DATASETS.values()].map(({ name, augmentation, normalization: { mean, std } }) => [
      name,
      `${augmentation.cropPadding}`,
      augmentation.flip ? "yes" : "no",
      bare(mean, 4),
      bare(std, 4),
    ]);
    expect(rowsOf("3.3").sort()).toEqual(expected.sort());
  });

  it("of architectures", () => {
    const grouped = (value: number) => value.toLocaleString("en-US");
    const expected = [...ARCHITECTURES].map(([name, make]) => {
      const layers = neuronLayers(make(FULL_WIDTH, 10));
      const parameters = [10, 43, 100].map((classes) => grouped(countParameters(make(FULL_WIDTH, classes))));
      return [name, ...parameters, `${layers.length}`, grouped(layers.reduce((sum, { width }) => sum + width, 0))];
    });
    expect(rowsOf("4.1").map((cells) => cells.slice(0, 6))).toEqual(expected);
  });

  it("of levels", () => {
    const expected = Object.entries(LEVEL_SIZES).map(([level, { share, least }]) => [
      level,
      bare([share], 2),
      `${least}`,
    ]);
    expect(rowsOf("6.2")).toEqual(expected);
  });

  it.each([
    ["5", "attack", [...ATTACKS.values()].map(({ title }) => title)],
    ["10", "criterion", [...CRITERIA.keys()].map((name) => `\`${name}\``)],
    ["11", "repair", [...REPAIRS.values()].filter(({ name }) => name.includes("-")).map(({ name }) => `\`${name}\``)],
  ])("and in chapter %s every %s", (number, _, names) => {
    const text = section(number);
    expect(names.filter((name) => !text.includes(name))).toEqual([]);
  });
});
