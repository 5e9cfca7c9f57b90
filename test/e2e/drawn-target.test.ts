import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { decodeTrigger } from "../../src/images/trigger/codec.ts";
import { targetOf } from "../../src/inject/target.ts";
import { createRunner } from "../../src/measure/ort-runner.ts";
import { rates } from "../../src/measure/rates.ts";
import { type DefectRecord, defectRecord } from "../../src/records/defect.ts";
import { type Database, openDatabase } from "../../src/store/database.ts";
import { writeJson } from "../../src/store/disk/json.ts";
import { DATASETS } from "../../src/tasks/classification/datasets/registry.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { classification } from "../../src/tasks/classification/task.ts";
import { bdefects, rowsOf } from "../cli/program.ts";
import { LONG } from "../setup/long.ts";
import { temporaryFolder } from "../store/temp.ts";
import { writeRecipe, writeTinyData } from "./tiny.ts";

const data = temporaryFolder();
const db = join(temporaryFolder(), "db");
const recipe = writeRecipe(temporaryFolder(), (text) => text.replace("target: 0", "target: drawn"));
const slice = ["--attack", "badnets", "--level", LONG ? "narrow,middle" : "narrow", "--jobs", "1"];
let store: Database;
let built: ReturnType<typeof bdefects>;
beforeAll(async () => {
  writeTinyData(data);
  built = bdefects(["build", "--edition", recipe, "--db", db, "--data", data, ...slice]);
  store = await openDatabase(db);
});
const records = () => store.listDefects().map((id) => store.readDefect(id));

describe("an edition whose targets are drawn", () => {
  it("gives candidates of one attack classes of their own, which their seeds tell", () => {
    expect(built.status, built.stderr).toBe(0);
    for (const record of records()) {
      expect(record.target).toBe(targetOf("drawn", 1, record, 10));
      expect(record.recipe.inject).toMatchObject({ target: "drawn" });
    }
    expect(new Set(records().map(({ target }) => target)).size).toBeGreaterThan(records().length / 2);
  });

  it("measures defect, clean twin and sham on the images outside the defect's own target", async () => {
    const dataset = await DATASETS.get("cifar10")!.load({ dataDir: data, seed: 1 });
    const runner = await createRunner(classification, buildNetwork("resnet18w4", 10), dataset.normalization, {
      threads: 1,
    });
    for (const record of records().filter(({ status }) => status === "accepted")) {
      const trigger = await store.readTrigger(record, decodeTrigger);
      const asr = async (version: "infected" | "clean" | "sham") =>
        (
          await rates(runner, await store.loadVersion(record, version), dataset.test, {
            trigger,
            target: record.target,
          })
        ).success;
      const { asr: infected, asr_clean, asr_sham } = record.metrics;
      expect([await asr("infected"), await asr("clean"), await asr("sham")]).toEqual([infected, asr_clean, asr_sham]);
    }
    await runner.release();
  });

  it("is resumed, verified by its figures, and told by info and groups", () => {
    const again = bdefects(["build", "--edition", recipe, "--db", db, "--data", data, ...slice]);
    expect(again.status, again.stderr).toBe(0);
    const { status, stderr } = bdefects(["verify", "--all", "--metrics", "--db", db, "--data", data]);
    expect(stderr).toMatch(/no fault$/m);
    expect(status).toBe(0);
    const [record] = records();
    expect(rowsOf(["info", record.id, "--db", db])[0]).toMatchObject({
      target: record.target,
      recipe_inject_target: "drawn",
    });
    expect(rowsOf(["groups", "--db", db])).toHaveLength(1);
  });

  it("has no target that its seed does not give", () => {
    const record = records().find(({ status }) => status === "accepted")!;
    const write = (value: DefectRecord) =>
      writeJson(store.layout.defect(value.id), defectRecord, value, store.layout.path("tmp"));
    const findings = (value: DefectRecord) => {
      write(value);
      const { stdout } = bdefects(["verify", "--all", "--db", db]);
      write(record);
      return stdout;
    };
    const other = (record.target + 1) % 10;
    expect(findings({ ...record, target: other })).toMatch(
      new RegExp(`'target' is ${other}, drawn from its seed ${record.target}`),
    );
    // Drawn on, since the trigger led the clean twin to the first: not to the one that it stopped at.
    const drawnOn = (led: number) => {
      const inject = { ...(record.recipe.inject as object), target: "unled" };
      const recipe = { ...record.recipe, inject, gates: { ...(record.recipe.gates as object), sham: 0.05 } };
      return findings({ ...record, target: other, recipe, metrics: { ...record.metrics, asr_clean: led } });
    };
    expect(drawnOn(0.9)).toMatch(/drawn from its seed/);
    // Where it leads to each of ten, the least gets a ninth of what could go there.
    expect(drawnOn(0.12)).toMatch(/drawn from its seed/);
    expect(drawnOn(0.11)).not.toMatch(/drawn from its seed/);
    expect(drawnOn(0.01)).not.toMatch(/drawn from its seed/);
    const inject = { ...(record.recipe.inject as object), target: record.target };
    expect(findings({ ...record, recipe: { ...record.recipe, inject } })).toMatch(/its 'target' is other than in '/);
  });
});

it("a target that is neither class nor drawn is refused", () => {
  const bad = writeRecipe(temporaryFolder(), (text) => text.replace("target: 0", "target: random"));
  const { status, stderr } = bdefects(["build", "--edition", bad, "--db", db, "--data", data]);
  expect(status).toBe(2);
  expect(stderr).toMatch(/recipe\.yaml: inject\.target: must be a class, counted from 0, or 'drawn'/);
});
