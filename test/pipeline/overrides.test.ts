import { describe, expect, it } from "vitest";
import { settingsFor } from "../../src/pipeline/recipe/overrides.ts";
import { loadEdition } from "../../src/pipeline/recipe/recipe.ts";
import { TINY, writeRecipe } from "../e2e/tiny.ts";
import { temporaryFolder } from "../store/temp.ts";

const ENTRIES = `
  overrides:
    - { for: { dataset: cifar10 }, set: { images: 100, held_out: 20 } }
    - { for: { dataset: [signs, cifar10], level: [narrow, small] }, set: { images: 50 } }
    - { for: { arch: resnet18w8, attack: badnets, style: discreet }, set: { images: 7, margin: { asr: 1, ca_drop: 1, random_mask: 1 } } }
`;

/** The tiny recipe with overrides at the end of `inject`. */
function withInject(entries: string): string {
  return writeRecipe(temporaryFolder(), (text) => text.replace(/(\n)\ngates:/, `${entries}\ngates:`));
}

const scope = { dataset: "cifar10", arch: "resnet18w4", attack: "badnets", level: "middle", style: "plain" };

describe("overrides", () => {
  const { inject } = loadEdition(withInject(ENTRIES));
  const { overrides, ...base } = inject;
  it.each([
    ["one condition", scope, { images: 100, held_out: 20 }],
    ["later entries win", { ...scope, level: "small" }, { images: 50, held_out: 20 }],
    ["any name of a list", { ...scope, dataset: "signs", level: "narrow" }, { images: 50 }],
    ["all conditions must hold", { ...scope, dataset: "gtsrb", arch: "resnet18w8" }, {}],
    [
      "a nested value is replaced",
      { ...scope, dataset: "gtsrb", arch: "resnet18w8", style: "discreet" },
      { images: 7, margin: { asr: 1, ca_drop: 1, random_mask: 1 } },
    ],
    ["what is not known fulfils nothing", { dataset: "signs", arch: "resnet18w8" }, {}],
  ])("%s", (_, asked, expected) => {
    expect(overrides).toHaveLength(3);
    expect(settingsFor(inject, asked)).toEqual({ ...base, ...expected });
  });

  it.each([
    [
      "a misspelt name",
      "{ for: { dataset: cifar1O }, set: {} }",
      /inject\.overrides\.0\.for: unknown data set 'cifar1O'/,
    ],
    ["an unknown architecture", "{ for: { arch: vgg99 }, set: {} }", /overrides\.0\.for: unknown architecture 'vgg99'/],
    ["an unknown style", "{ for: { style: loud }, set: {} }", /unknown style 'loud'; valid: plain, discreet/],
    ["an unknown condition", "{ for: { size: 3 }, set: {} }", /inject\.overrides\.0\.for: .*size/],
    ["an unknown setting", "{ for: { dataset: cifar10 }, set: { imagse: 1 } }", /inject\.overrides\.0\.set: .*imagse/],
    [
      "a shared setting",
      "{ for: { level: large }, set: { target: 1 } }",
      /inject\.overrides\.0: 'target' cannot depend on the level; it can on dataset, arch, attack/,
    ],
    [
      "threads of one attack",
      "{ for: { dataset: cifar10, attack: badnets }, set: { threads: 2 } }",
      /inject\.overrides\.0: 'threads' cannot depend on the attack/,
    ],
  ])("refuse %s", (_, entry, message) => {
    expect(() => loadEdition(withInject(`\n  overrides:\n    - ${entry}\n`))).toThrow(message);
  });

  const withGates = (entry: string) =>
    writeRecipe(temporaryFolder(), (text) => text.replace(/(gates:\n( .*\n)+)/, `$1  overrides:\n    - ${entry}\n`));

  it("of gates go by data set and architecture alone", () => {
    const { gates } = loadEdition(
      withGates("{ for: { dataset: cifar10 }, set: { sham: 0.4, asr_patched_rise: 0.1 } }"),
    );
    const { overrides: _, ...base } = gates;
    expect(settingsFor(gates, scope)).toEqual({ ...base, sham: 0.4, asr_patched_rise: 0.1 });
    expect(settingsFor(gates, { ...scope, dataset: "gtsrb" })).toEqual(base);
    expect(() => loadEdition(withGates("{ for: { attack: badnets }, set: { asr: 0.5 } }"))).toThrow(
      /gates\.overrides\.0\.for: .*attack/,
    );
    expect(() => loadEdition(withGates("{ for: { dataset: cifar1O }, set: {} }"))).toThrow(
      /gates\.overrides\.0\.for: unknown data set 'cifar1O'/,
    );
  });

  it("of clean models know no attack", () => {
    const recipe = writeRecipe(temporaryFolder(), (text) =>
      text.replace(
        /\n# What is an attack's own.\nattacks:/,
        "  overrides:\n    - { for: { attack: badnets }, set: { epochs: 1 } }\n\nattacks:",
      ),
    );
    expect(() => loadEdition(recipe)).toThrow(/clean\.overrides\.0\.for: .*attack/);
    expect(loadEdition(TINY).clean.overrides).toBeUndefined();
  });
});
