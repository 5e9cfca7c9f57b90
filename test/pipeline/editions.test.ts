import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { groupId } from "../../src/core/ids.ts";
import { makePlan } from "../../src/pipeline/plan/plan.ts";
import { settingsFor } from "../../src/pipeline/recipe/overrides.ts";
import { attackOptions, checkSelection, editionNames, loadEdition } from "../../src/pipeline/recipe/recipe.ts";
import { bdefects } from "../cli/program.ts";
import { temporaryFolder } from "../store/temp.ts";

/** Data sets × architectures; with 4 attacks, 4 levels and 9 offsets 1,728 candidates per style. */
const PAIRS = 3 * 4;

describe("the shipped editions", () => {
  it("are these", () => {
    expect(editionNames()).toEqual([
      ...[
        "board",
        "demo",
        "demolanes",
        "demolanguage",
        "demowhole",
        "fresh",
        "lanes",
        "lite",
        "paper",
        "sample",
        "text",
        "whole",
      ],
    ]);
  });

  it.each(editionNames())("%s is sound: names, attacks' settings, overrides", (name) => {
    const edition = loadEdition(name);
    expect(edition.edition).toBe(name);
    checkSelection(edition.select);
    for (const attack of edition.select.attack) expect(attackOptions(edition, attack)).toBeDefined();
  });

  it("name those that have an attack which one lacks", () => {
    expect(() => attackOptions(loadEdition("lite"), "coneslda")).toThrow(
      "recipe 'lite': attacks.coneslda is missing; give that attack's settings, or --edition demolanes or lanes",
    );
  });

  it("demolanguage has two candidates of the edition text, with its settings", () => {
    const [demo, text] = ["demolanguage", "text"].map(loadEdition);
    const { candidates } = makePlan(demo, demo.select);
    expect(candidates.map(({ key: { style } }) => style)).toEqual(["plain", "discreet"]);
    const ids = makePlan(text, text.select).candidates.map(({ id }) => id);
    for (const { id, key } of candidates) {
      expect(ids).toContain(id);
      expect(settingsFor(demo.inject, key)).toEqual(settingsFor(text.inject, key));
      expect(settingsFor(demo.gates, key)).toEqual(settingsFor(text.gates, key));
      expect(attackOptions(demo, key.attack)).toEqual(attackOptions(text, key.attack));
    }
    const trained = [demo, text].map(({ clean }) => settingsFor(clean, { dataset: "glosses", arch: "llama2d64" }));
    expect(trained[0]).toEqual(trained[1]);
    expect([demo.measure, demo.grid, demo.seed]).toEqual([text.measure, text.grid, text.seed]);
  });

  it.each([
    ["lite", 3, /w16$/],
    ["paper", 1, /^[a-z]+(13|16|18)?$/],
    ["whole", 1, /w8$/],
  ])("%s holds every group, level and offset, on %d clean model(s) each", (name, seeds, arch) => {
    const edition = loadEdition(name);
    const { clean, candidates } = makePlan(edition, edition.select);
    expect(clean).toHaveLength(PAIRS * seeds);
    for (const model of clean) expect(model.arch).toMatch(arch);
    const plain = candidates.filter(({ key }) => key.style === "plain");
    expect(plain).toHaveLength(1728);
    // The offset's index picks the clean model in turn (docs/methods.md §13.1).
    for (const candidate of candidates) {
      const seed = 1 + ((candidate.key.top / 5) % seeds);
      expect(candidate.clean).toBe(`clean/${candidate.key.dataset}-${candidate.key.arch}-s${seed}`);
    }
  });

  it("lite has the other style of every attack but SRA as a second axis", () => {
    const edition = loadEdition("lite");
    const { clean, candidates } = makePlan(edition, { ...edition.select, style: ["plain", "discreet"] });
    const discreet = candidates.filter(({ key }) => key.style === "discreet");
    expect([candidates.length, discreet.length, clean.length]).toEqual([1728 + 1296, 1296, 36]);
    expect(discreet.some(({ key }) => key.attack === "sra")).toBe(false);
  });

  it("sample has every group once in each style that its attack has", () => {
    const edition = loadEdition("sample");
    const { clean, candidates } = makePlan(edition, edition.select);
    expect(clean).toHaveLength(PAIRS);
    const of = (style: string) => candidates.filter(({ key }) => key.style === style).map(({ key }) => groupId(key));
    expect(new Set(of("plain")).size).toBe(48);
    expect(new Set(of("discreet")).size).toBe(36);
  });

  it("whole is built by offsets: 0, 20 and 40 of everything, then 10 and 30, then the rest", () => {
    const edition = loadEdition("whole");
    const { candidates } = makePlan(edition, edition.select);
    const offsets = (from: number, to: number) => [...new Set(candidates.slice(from, to).map(({ key }) => key.top))];
    expect(offsets(0, 576)).toEqual([0, 20, 40]);
    expect(offsets(576, 960)).toEqual([10, 30]);
    expect(offsets(960, 1728)).toEqual([5, 15, 25, 35]);
    expect(settingsFor(edition.inject, candidates[0].key).target).toBe("drawn");
  });

  it("whole has no settings of one candidate: they follow the data set, the architecture and the attack", () => {
    const { clean, inject } = loadEdition("whole");
    for (const { for: condition } of [...clean.overrides!, ...inject.overrides!]) {
      expect(["dataset", "arch", "attack", "level"]).toEqual(expect.arrayContaining(Object.keys(condition)));
    }
  });

  it("paper trains as long as docs/methods.md §4.3 says", () => {
    const { clean } = loadEdition("paper");
    const of = (dataset: string) => settingsFor(clean, { dataset, arch: "vgg16" });
    expect(of("cifar100")).toMatchObject({ epochs: 100, learning_rate: 0.1, momentum: 0.9, weight_decay: 5e-4 });
    expect(of("gtsrb")).toMatchObject({ epochs: 50, learning_rate: 0.01, batch: 128 });
  });

  it("lite is planned and estimated without data or database, and the data asked for in the end", () => {
    const none = temporaryFolder();
    const args = ["build", "--edition", "lite", "--dry-run", "--db", join(none, "db"), "--data", join(none, "data")];
    const { status, stdout, stderr } = bdefects([...args, "--format", "json"]);
    expect(status, stderr).toBe(2);
    expect(stderr).toMatch(/\nerror: [^\n]*data fetch [^\n]*\n$/);
    const rows = JSON.parse(stdout) as { id: string; seconds_estimate: number; bytes_estimate: number }[];
    expect(new Set(rows.map(({ id }) => id)).size).toBe(1728);
    expect(rows).toHaveLength(1728);
    for (const row of rows) expect(Math.min(row.seconds_estimate, row.bytes_estimate)).toBeGreaterThan(0);
    expect(stderr).toMatch(/^clean models: 36$/m);
    expect(stderr).toMatch(
      /^cifar100: 50000 training and 10000 test images \(the official numbers; no files there\)$/m,
    );
  });
});
