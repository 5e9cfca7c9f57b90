import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makePlan } from "../../src/pipeline/plan/plan.ts";
import { checkSelection, loadEdition, type SliceSelection } from "../../src/pipeline/recipe/recipe.ts";
import { bdefects, rowsOf } from "../cli/program.ts";
import { TINY, writeRecipe, writeTinyData } from "../e2e/tiny.ts";
import { temporaryFolder } from "../store/temp.ts";

const edition = loadEdition(TINY);
const first: SliceSelection = {
  dataset: ["cifar10"],
  arch: ["resnet18w4"],
  attack: ["badnets"],
  level: ["narrow", "small"],
  offset: [0, 20],
  style: ["plain"],
};
const idsOf = (select: SliceSelection) => makePlan(edition, select).candidates.map(({ id }) => id);
const named = (...names: string[]) => names.map((name) => `cifar10-resnet18w4-${name}`);
const product = named("badnets-narrow-top000", "badnets-narrow-top020", "badnets-small-top000", "badnets-small-top020");

describe("a plan", () => {
  it("holds every combination", () => {
    expect(idsOf(first)).toEqual(product);
    expect(makePlan(edition, first).clean.map(({ id }) => id)).toEqual(["clean/cifar10-resnet18w4-s1"]);
  });

  it("holds what is also selected, each candidate once", () => {
    const also = [
      { attack: ["blended", "trojan"], level: ["small" as const], offset: [20] },
      { level: ["small" as const, "large" as const], offset: [0] },
    ];
    expect(idsOf({ ...first, also })).toEqual([
      ...product,
      ...named("blended-small-top020", "trojan-small-top020", "badnets-large-top000"),
    ]);
  });

  it("has a clean model for every data set that is also selected", () => {
    const { clean } = makePlan(edition, { ...first, also: [{ dataset: ["signs"] }] });
    expect(clean.map(({ dataset }) => dataset)).toEqual(["cifar10", "signs"]);
  });

  it("has every name checked", () => {
    expect(() => checkSelection({ ...first, also: [{ attack: ["badnet"] }] })).toThrow("unknown attack 'badnet'");
    expect(() => checkSelection({ ...first, also: [{ offset: [7] }] })).toThrow("unknown offset '7'");
  });
});

describe("build --dry-run", () => {
  const recipe = writeRecipe(temporaryFolder(), (text) =>
    text.replace(
      "offset: [0, 20]\n",
      "offset: [0, 20]\n  also:\n    - { attack: [trojan], level: [small], offset: [40] }\n",
    ),
  );
  const data = writeTinyData(temporaryFolder());
  const dryRun = (...options: string[]) =>
    rowsOf(["build", "--edition", recipe, "--dry-run", "--data", data, ...options]).map(({ id }) => id);

  it("plans all that an edition selects", () => {
    expect(dryRun()).toHaveLength(7);
    expect(dryRun().at(-1)).toBe("cifar10-resnet18w4-trojan-small-top040");
  });

  it("takes an option in place of every value of its kind", () => {
    expect(dryRun("--level", "small")).toEqual(
      named("badnets-small-top000", "badnets-small-top020", "trojan-small-top040"),
    );
    expect(dryRun("--attack", "trojan", "--level", "small", "--offset", "40")).toEqual(named("trojan-small-top040"));
  });

  it("refuses a recipe with an unknown word in a further selection", () => {
    const wrong = writeRecipe(temporaryFolder(), (text) =>
      text.replace("offset: [0, 20]\n", "offset: [0, 20]\n  also: [{ levels: [small] }]\n"),
    );
    const { status, stderr } = bdefects(["build", "--edition", wrong, "--dry-run", "--db", join(wrong, "none")]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^error: .*select\.also\.0: .*levels.*\n$/);
  });
});

describe("the demo", () => {
  it.each([
    ["demo", 6, 3],
    ["demowhole", 9, 6],
  ])("%s has %d candidates, BadNets over three levels and at least one of every attack", (name, count, patched) => {
    const demo = loadEdition(name);
    const keys = makePlan(demo, demo.select).candidates.map(({ key }) => key);
    const badnets = keys.filter(({ attack }) => attack === "badnets");
    expect(keys).toHaveLength(count);
    expect(badnets).toHaveLength(patched);
    expect(new Set(badnets.map(({ level }) => level)).size).toBe(3);
    expect([...new Set(keys.map(({ attack }) => attack))].sort()).toEqual(Object.keys(demo.attacks).sort());
  });
});
