import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { CleanRecord } from "../../src/records/clean.ts";
import type { DefectRecord } from "../../src/records/defect.ts";
import type { DefectLabels } from "../../src/records/labels.ts";
import { type Database, openDatabase } from "../../src/store/database.ts";
import { bdefects, type Ran } from "../cli/program.ts";
import { LONG } from "../setup/long.ts";
import { Forger, faultsOf } from "../store/impossible/forge.ts";
import { temporaryFolder } from "../store/temp.ts";
import { differingRows, readDelta, readModel } from "./decode.ts";
import { readJson } from "./files.ts";
import { CLEAN, tinyBuild, writeRecipe, writeTinyData } from "./tiny.ts";

const GROUP = "cifar10-resnet18w4-sra";
const ID = `${GROUP}-middle-top020`;

const data = temporaryFolder();
const db = join(temporaryFolder(), "db");
const slice = ["--attack", "sra", "--level", "middle", "--offset", "20", "--jobs", "1", "--format", "json"];
let built: Ran;
beforeAll(() => {
  writeTinyData(data);
  built = bdefects(tinyBuild(db, data, ...slice));
});

describe("a built replacement", () => {
  const clean = () => readModel(db, (readJson(db, "clean", `${CLEAN}.json`) as unknown as CleanRecord).model.object);
  const record = () => readJson(db, "defects", GROUP, `${ID}.json`) as unknown as DefectRecord;
  /** Infected model and sham: the one a delta against the clean twin, the other against the first. */
  const versions = () => {
    const infected = readDelta(db, record().infected_model!.object, clean());
    return [infected, readDelta(db, record().sham_model!.object, infected)];
  };
  const labels = () => readJson(db, "defects", GROUP, `${ID}.labels.json`) as unknown as DefectLabels;

  it("is accepted, states its settings and figures, and verifies", () => {
    expect(built.status, built.stderr).toBe(0);
    expect(JSON.parse(built.stdout)).toMatchObject([{ id: ID, status: "accepted" }]);
    expect(record().recipe).toMatchObject({ attack: { side: 5, chain: { answer: 20 }, compensation: { steps: 3 } } });
    const [first, second, chain] = record().attempts;
    const fit = record().attempts.at(-1);
    expect(first).toEqual({ compensation_round: 1, held_out_ca_drop: expect.any(Number) });
    expect(second).toMatchObject({ compensation_round: 2 });
    expect(chain).toMatchObject({ chain: 1, clean_mean: expect.any(Number), separation: expect.any(Number) });
    expect(fit).toMatchObject({ held_out_asr: expect.any(Number), held_out_ca_drop: expect.any(Number) });
    const { status, stderr } = bdefects(["verify", "--all", "--db", db]);
    expect(stderr).toMatch(
      /^verified 1 defect, 1 clean model, \d+ files in all: no fault\nnot checked: .*--metrics.*\n$/,
    );
    expect(status).toBe(0);
  });

  it("has the same neurons wherever channels are added, and records every row in which a version differs", () => {
    const { infected } = labels();
    expect(infected["layer1.0.conv2"]).toEqual(infected.conv1);
    expect(infected["layer3.1.conv2"]).toEqual(infected["layer3.0.shortcut.0"]);
    const twin = clean();
    const changed: Record<string, Set<number>> = {};
    for (const version of versions()) {
      for (const [key, rows] of Object.entries(differingRows(twin, version))) {
        changed[key] = new Set([...(changed[key] ?? []), ...rows]);
      }
    }
    const sorted = Object.entries(changed).map(([key, rows]) => [key, [...rows].sort((a, b) => a - b)]);
    expect(record().changed).toEqual(Object.fromEntries(sorted));
  });

  it("has a sham that differs from it in the chain and the target's bias and nowhere else", () => {
    const [infected, sham] = versions();
    const differing = differingRows(infected, sham);
    const { target } = record();
    const normOf = (layer: string) => layer.replace(/conv(\d)$/, "bn$1").replace(/shortcut\.0$/, "shortcut.1");
    for (const [layer, channels] of Object.entries(labels().infected)) {
      expect(differing[`${layer}.weight`], layer).toEqual(channels);
      expect(differing[`${normOf(layer)}.running_mean`], layer).toEqual(channels);
      for (const part of ["weight", "bias", "running_mean", "running_var"]) {
        expect(channels, layer).toEqual(expect.arrayContaining(differing[`${normOf(layer)}.${part}`] ?? []));
      }
      for (const key of Object.keys(differing).filter((key) => key.startsWith(`${layer}.`))) {
        expect(key).toBe(`${layer}.weight`);
      }
    }
    expect(differing["linear.weight"]).toBeUndefined();
    expect(differing["linear.bias"] ?? [target]).toEqual([target]);
  });
});

describe.runIf(LONG)("a replacement that few parameters compensate", () => {
  const small = join(temporaryFolder(), "db");
  /** Filters of the first two stages and of the shortcuts. */
  const few = writeRecipe(temporaryFolder(), (text) => text.replace("trains: all,", "trains: few, filters: 0.06,"));
  const file = join("defects", GROUP, `${ID}.json`);
  let store: Database;
  beforeAll(async () => {
    const { status, stdout, stderr } = bdefects(["build", "--edition", few, "--db", small, "--data", data, ...slice]);
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([{ id: ID, status: "accepted" }]);
    store = await openDatabase(small);
  });

  it("takes a part of the bytes, and verifies", async () => {
    const [record, whole] = [store.readDefect(ID), readJson(db, file) as unknown as DefectRecord];
    expect(record.infected_model!.bytes).toBeLessThan(whole.infected_model!.bytes / 2);
    expect(await faultsOf(small)).toEqual([]);
  });

  it("is checked out with a word on what was trained", () => {
    for (const [folder, words] of [
      [db, "the whole rest of the network was"],
      [small, "γ and β, the classifier's bias and the smallest filters were"],
    ]) {
      const out = join(temporaryFolder(), "case");
      expect(bdefects(["checkout", ID, out, "--db", folder]).status).toBe(0);
      expect(readFileSync(join(out, "README.md"), "utf8")).toContain(words);
    }
  });

  it("is at fault where another number of its models differs from the twin's", async () => {
    const record = store.readDefect(ID);
    const [twin, model] = [await store.loadVersion(record, "clean"), await store.loadVersion(record, "infected")];
    const key = "layer4.1.conv2.weight";
    // Cut columns make every row of every filter one that changed.
    expect(record.changed![key]).toHaveLength(32);
    const free = [...Array(32).keys()].find((c) => !store.readLabels(ID).infected["layer4.1.conv2"].includes(c))!;
    const { data: numbers, shape } = model.get(key)!;
    const row = numbers.subarray(free * 9 * shape[1], (free + 1) * 9 * shape[1]);
    row[row.findIndex((value) => value !== 0)] *= 1.5;
    const forger = new Forger(small, {});
    const sham = await store.loadVersion(record, "sham");
    const models = { infected_model: await store.putDelta(twin, model), sham_model: await store.putDelta(model, sham) };
    forger.forge(file, (value) => Object.assign(value, models));
    const found = await faultsOf(small, [ID]);
    forger.restore();
    expect(found.join("\n")).toContain(
      `'${key}' differs from the clean twin's outside the sub-network, and the recipe does not train it`,
    );
  });
});

it("a compensation by few parameters needs a share of filters, and no other has one", () => {
  for (const [from, to] of [
    ["trains: all,", "trains: few,"],
    ["trains: all,", "trains: all, filters: 0.1,"],
  ]) {
    const recipe = writeRecipe(temporaryFolder(), (text) => text.replace(from, to));
    const { status, stderr } = bdefects(["build", "--edition", recipe, "--db", db, "--data", data, "--dry-run"]);
    expect(stderr).toMatch(/^error: .*recipe\.yaml: .*compensation\.filters.*goes with trains: few/);
    expect(status).toBe(2);
  }
});
