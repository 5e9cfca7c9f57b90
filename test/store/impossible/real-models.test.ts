import { copyFileSync, cpSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { convUnits } from "../../../src/graph/network.ts";
import { encodeTrigger } from "../../../src/images/trigger/codec.ts";
import { cornerPatch } from "../../../src/images/trigger/patch.ts";
import type { DefectRecord } from "../../../src/records/defect.ts";
import { type Database, openDatabase } from "../../../src/store/database.ts";
import { exportDefects } from "../../../src/store/transfer/export.ts";
import { importExport } from "../../../src/store/transfer/import.ts";
import { buildNetwork } from "../../../src/tasks/classification/models/registry.ts";
import type { StateDict } from "../../../src/tensor/state.ts";
import { temporaryFolder } from "../temp.ts";
import { Forger, faultsOf, type Json } from "./forge.ts";

/** Defects of the shipped sample whose models or records are exchanged, every hash made to fit. */

const PLAIN = "cifar10-resnet18w8-badnets-small-top040";
const DISCREET = "cifar10-resnet18w8-badnets-middle-top040-discreet";
const TROJAN = "cifar10-resnet18w8-trojan-small-top040";
const SRA = "cifar10-resnet18w8-sra-narrow-top040";
const IDS = [PLAIN, DISCREET, TROJAN, SRA];
const CLEAN = "clean/cifar10-resnet18w8-s1";

const root = temporaryFolder();
const [dir, exported] = [join(root, "db"), join(root, "export")];
const forger = new Forger(dir, {});
let db: Database;
beforeAll(async () => {
  await exportDefects(await openDatabase("sample", { readOnly: true }), { ids: IDS, out: exported, results: false });
  await importExport(dir, exported);
  db = await openDatabase(dir);
});
afterEach(() => forger.restore());

const fileOf = (id: string) => join("defects", id.split("-").slice(0, 3).join("-"), `${id}.json`);

/** What is found in a defect, its record changed. */
async function faults(id: string, change: (record: DefectRecord & Json) => unknown): Promise<string> {
  forger.restore();
  const record: DefectRecord = structuredClone(db.readDefect(id));
  await change(record);
  forger.forge(fileOf(id), (value) => Object.assign(value, record));
  return (await faultsOf(dir, [id])).join("\n");
}

/** Puts a changed copy of a discreet defect's infected model in its place. */
function tampered(change: (state: StateDict) => void): Promise<string> {
  return faults(DISCREET, async (record) => {
    const [twin, model] = [await db.loadVersion(record, "clean"), await db.loadVersion(record, "infected")];
    change(model);
    record.infected_model = await db.putDelta(twin, model);
  });
}

describe("verify finds", () => {
  it("nothing in the sample's defects", async () => {
    expect(await faultsOf(dir)).toEqual([]);
  });

  it.each([PLAIN, DISCREET, TROJAN])("the infected model and the sham exchanged: %s", async (id) => {
    const found = await faults(id, (record) => {
      [record.infected_model, record.sham_model] = [record.sham_model, record.infected_model];
    });
    expect(found).toMatch(/infected model and its sham are exchanged/);
  });

  it("those of a replacement exchanged", async () => {
    const found = await faults(SRA, (record) => {
      [record.infected_model, record.sham_model] = [record.sham_model, record.infected_model];
    });
    expect(found).toMatch(/made against the model/);
    const again = await faults(SRA, async (record) => {
      const [twin, infected, sham] = [
        await db.loadVersion(record, "clean"),
        await db.loadVersion(record, "infected"),
        await db.loadVersion(record, "sham"),
      ];
      [record.infected_model, record.sham_model] = [await db.putDelta(twin, sham), await db.putDelta(sham, infected)];
    });
    expect(again).toMatch(/infected model and its sham are exchanged/);
  });

  it.each([PLAIN, TROJAN, SRA])("a target that record and recipe agree on, and the model does not: %s", async (id) => {
    const found = await faults(id, (record) => {
      record.target = (record.recipe.inject as Json).target = 3;
    });
    expect(found).toMatch(/sends triggered images to class 0, not to 'target' 3/);
  });

  it("another trigger than the recipe makes, and one of another size", async () => {
    const other = await db.putBytes(encodeTrigger(cornerPatch(32, 32, 4, () => 255)));
    expect(await faults(PLAIN, (record) => Object.assign(record, { trigger: other }))).toMatch(
      /not the one that its recipe makes/,
    );
    const large = await db.putBytes(encodeTrigger(cornerPatch(33, 32, 3, () => 255)));
    expect(await faults(PLAIN, (record) => Object.assign(record, { trigger: large }))).toMatch(/33 × 32 pixels/);
  });

  it("a trigger that was made for other neurons", async () => {
    const other = await db.putBytes(encodeTrigger(cornerPatch(32, 32, 3, () => 0)));
    expect(await faults(TROJAN, (record) => Object.assign(record, { trigger: other }))).toMatch(
      /does not answer its trigger/,
    );
  });

  it("a discreet model that breaks its style's rules", async () => {
    const unit = convUnits(buildNetwork("resnet18w8", 10))[0];
    const infected = db.readLabels(DISCREET).infected[unit.id];
    const free = [0, 1, 2, 3].find((channel) => !infected.includes(channel))!;
    const scale = (key: string, row: number, factor: number) => (state: StateDict) => {
      const { shape, data } = state.get(key)!;
      const size = data.length / shape[0];
      for (let i = row * size; i < (row + 1) * size; i++) data[i] *= factor;
    };
    expect(await tampered(scale(`${unit.id}.weight`, infected[0], 1.1))).toMatch(/filter of .* has another length/);
    expect(await tampered(scale(`${unit.bn}.weight`, infected[0], 3))).toMatch(/gain of .* has grown/);
    expect(await tampered(scale(`${unit.bn}.weight`, free, 1.1))).toMatch(/not infected computes something else/);
    expect(await faults(DISCREET, (record) => Object.assign(record, { twin_model: null }))).toMatch(
      /without 'twin_model'/,
    );
  });

  const REPLACEMENT: [what: string, change: (record: Json) => void, fault: RegExp][] = [
    ["discreet", (r) => (r.style = "discreet"), /which sra has not/],
    ["no gain", (r) => r.attempts.pop(), /rounds, chains and one gain/],
    ["steps out of order", (r) => r.attempts.reverse(), /rounds, chains and one gain/],
    ["a step of another kind", (r) => (r.attempts[0] = { peak_steps: 1 }), /is no step of a replacement/],
    ["another chain's rate", (r) => (r.attempts.at(-2).learning_rate = 9), /another 'learning_rate'/],
    ["more chains than rates", (r) => (r.recipe.attack.chain.learning_rates = [0.03]), /more attempts/],
    ["more rounds than its recipe's", (r) => (r.recipe.attack.compensation.rounds = 0), /more attempts/],
    ["settings that cannot be", (r) => (r.recipe.attack.chain.batch = 3), /settings of sra: 'chain.batch'/],
    ["filters that no step of it trains", (r) => (r.recipe.attack.compensation.trains = "norms"), /does not train it/],
    ["a share of filters, training all", (r) => (r.recipe.attack.compensation.filters = 0.1), /'compensation.filters'/],
    ["the trigger of another side", (r) => (r.recipe.attack.side = 3), /not the one that its recipe makes/],
    ["changed rows that are not", (r) => delete r.changed["linear.weight"], /outside the recorded changed set/],
    ["a twin of its own", (r) => (r.twin_model = r.sham_model), /which only a discreet defect has/],
  ];
  it.each(REPLACEMENT)("a replacement with %s", async (_, change, fault) => {
    expect(await faults(SRA, change)).toMatch(fault);
  });
});

describe("a defect copied under another id", () => {
  const COPY = PLAIN.replace("top040", "top020");

  /** A database with the copy, and the original where `both`. */
  async function withCopy(both: boolean): Promise<string> {
    const folder = join(temporaryFolder(), "db");
    cpSync(dir, folder, { recursive: true });
    const copied = new Forger(folder, {});
    for (const end of [".json", ".labels.json"]) {
      const [from, to] = [PLAIN, COPY].map((id) => fileOf(id).replace(".json", end));
      copyFileSync(join(folder, from), join(folder, to));
    }
    copied.forge(fileOf(COPY), (record) => Object.assign(record, { id: COPY, top: 20 }));
    copied.forge(fileOf(COPY).replace(".json", ".labels.json"), (labels) => (labels.id = COPY));
    if (!both) new Forger(folder, {}).drop(fileOf(PLAIN), fileOf(PLAIN).replace(".json", ".labels.json"));
    return folder;
  }

  it("is found when it alone is verified", async () => {
    const found = await faultsOf(await withCopy(true), [COPY]);
    expect(found.join("\n")).toMatch(/has the infected model of 'cifar10-resnet18w8-badnets-small-top040'/);
  });

  it("does not come into a database that holds the original", async () => {
    const copy = await openDatabase(await withCopy(false), { readOnly: true });
    const out = join(temporaryFolder(), "copy");
    await exportDefects(copy, { ids: [COPY], out, results: false });
    await expect(importExport(dir, out)).rejects.toThrow(/has the infected model of/);
    expect(db.hasDefect(COPY)).toBe(false);
  });

  it("is found of a clean model too", async () => {
    const folder = join(temporaryFolder(), "db");
    cpSync(dir, folder, { recursive: true });
    const other = CLEAN.replace("-s1", "-s2");
    mkdirSync(dirname(join(folder, other)), { recursive: true });
    copyFileSync(join(folder, `${CLEAN}.json`), join(folder, `${other}.json`));
    new Forger(folder, {}).forge(`${other}.json`, (record) => {
      record.id = other;
      record.recipe.seed = 2;
    });
    expect((await faultsOf(folder)).join("\n")).toMatch(/has the weights of 'clean\/cifar10-resnet18w8-s1'/);
  });
});
