import { describe, expect, it } from "vitest";
import { parseDefectId } from "../../src/core/ids.ts";
import { makePlan } from "../../src/pipeline/plan/plan.ts";
import { checkSelection, loadEdition, type SliceSelection, stylesOf } from "../../src/pipeline/recipe/recipe.ts";
import { ATTACKS, taskOf } from "../../src/tasks/registry.ts";

const edition = loadEdition("demo");
const slice = (more: Partial<SliceSelection>): SliceSelection => ({
  ...edition.select,
  also: [],
  attack: ["badnets"],
  level: ["small"],
  offset: [0, 20],
  ...more,
});
const idsOf = (select: SliceSelection) => makePlan(edition, select).candidates.map(({ id }) => id);

describe("style as an axis of the plan", () => {
  it("gives each candidate once per style, discreet ones with the suffix, from the same clean model", () => {
    const plan = makePlan(edition, slice({ style: ["plain", "discreet", "plain"] }));
    expect(plan.candidates.map(({ id }) => id)).toEqual([
      "signs-resnet18w8-badnets-small-top000",
      "signs-resnet18w8-badnets-small-top020",
      "signs-resnet18w8-badnets-small-top000-discreet",
      "signs-resnet18w8-badnets-small-top020-discreet",
    ]);
    expect(plan.clean).toHaveLength(1);
    for (const { id, key } of plan.candidates) expect(parseDefectId(id)).toEqual(key);
    expect(idsOf(slice({ style: ["discreet"] }))).toEqual(plan.candidates.slice(2).map(({ id }) => id));
  });

  it("leaves out what an attack lacks, and says so where nothing is left", () => {
    for (const [name, { styles }] of ATTACKS) {
      expect(stylesOf(name, ["plain", "discreet"])).toEqual(
        ["plain", "discreet"].filter((s) => styles.includes(s as never)),
      );
    }
    const attack = { ...ATTACKS.get("badnets")!, name: "plainonly", styles: ["plain"] as const };
    const registries = [ATTACKS, taskOf({}).attacks] as Map<string, typeof attack>[];
    for (const attacks of registries) attacks.set("plainonly", attack);
    try {
      const both = slice({ attack: ["badnets", "plainonly"], style: ["plain", "discreet"], offset: [0] });
      expect(idsOf(both)).toEqual([
        "signs-resnet18w8-badnets-small-top000",
        "signs-resnet18w8-badnets-small-top000-discreet",
        "signs-resnet18w8-plainonly-small-top000",
      ]);
      expect(() => checkSelection(both)).not.toThrow();
      expect(() => checkSelection({ ...both, attack: ["plainonly"], style: ["discreet"] })).toThrow(
        "no selected attack has style 'discreet' (plainonly: plain)",
      );
    } finally {
      for (const attacks of registries) attacks.delete("plainonly");
    }
    expect(() => checkSelection(slice({ style: ["loud" as "plain"] }))).toThrow(
      "unknown style 'loud'; valid: plain, discreet",
    );
  });
});
