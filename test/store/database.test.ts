import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { decodeTrigger } from "../../src/images/trigger/codec.ts";
import { openDatabase } from "../../src/store/database.ts";
import { modelSha256 } from "../../src/store/objects/models.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { encodeState } from "../../src/tensor/safetensors.ts";
import { CLASSES, randomState, sampleDatabase, TRIGGER } from "./fixture.ts";
import { temporaryFolder } from "./temp.ts";

const request = { edition: "demo", seed: 1, data: { signs: "a".repeat(64) } };
const CLEAN = "clean/signs-resnet18w4-s1";

describe("opening a database", () => {
  it("creates it, and opens it again with the same request", async () => {
    const dir = join(temporaryFolder(), "new", "db");
    const { manifest } = await openDatabase(dir, { create: request });
    expect((await openDatabase(dir, { create: request })).manifest).toEqual(manifest);
    expect((await openDatabase(dir, { readOnly: true })).manifest).toEqual(manifest);
  });

  it("adds a data set, keeps the others", async () => {
    const dir = temporaryFolder();
    await openDatabase(dir, { create: request });
    const added = { ...request, data: { cifar10: "b".repeat(64) } };
    const { manifest } = await openDatabase(dir, { create: added });
    expect(manifest.data).toEqual({ ...request.data, ...added.data });
  });

  it.each([
    ["edition", { edition: "lite" }, /edition demo, not lite/],
    ["seed", { seed: 2 }, /seed 1, not 2/],
    ["data", { data: { signs: "b".repeat(64) } }, /signs data/],
  ])("refuses another %s", async (_, change, message) => {
    const dir = temporaryFolder();
    await openDatabase(dir, { create: request });
    const before = readFileSync(join(dir, "database.json"));
    await expect(openDatabase(dir, { create: { ...request, ...change } })).rejects.toThrow(message);
    expect(readFileSync(join(dir, "database.json"))).toEqual(before);
  });

  it("refuses what is no database, and leaves it as it was", async () => {
    const dir = temporaryFolder();
    await expect(openDatabase(join(dir, "missing"))).rejects.toThrow(/not a database/);
    expect(readdirSync(dir)).toEqual([]);
    writeFileSync(join(dir, "thesis.tex"), "");
    await expect(openDatabase(dir, { create: request })).rejects.toThrow(/thesis\.tex/);
    expect(readdirSync(dir)).toEqual(["thesis.tex"]);
    await expect(openDatabase(join(dir, "thesis.tex"), { create: request })).rejects.toThrow(/is a file/);
    await expect(openDatabase(join(dir, "thesis.tex", "below"), { create: request })).rejects.toThrow(InputError);
  });

  it.skipIf(process.platform !== "linux")("refuses a place where nothing can be written", async () => {
    await expect(openDatabase("/proc/bdefects", { create: request })).rejects.toThrow(InputError);
  });

  it("finishes a creation that was killed", async () => {
    const dir = temporaryFolder();
    mkdirSync(join(dir, "tmp"));
    writeFileSync(join(dir, "tmp", `1-${"0".repeat(12)}`), "{");
    await expect(openDatabase(dir, { create: request })).resolves.toBeDefined();
  });

  it("stands two creators at once", async () => {
    const dir = temporaryFolder();
    const datasets = ["a", "b", "c", "d"];
    const create = (name: string) => openDatabase(dir, { create: { ...request, data: { [name]: name.repeat(64) } } });
    await Promise.all(datasets.map(create));
    expect(Object.keys((await openDatabase(dir)).manifest.data).sort()).toEqual(datasets);
  });

  it("read-only writes nothing", async () => {
    const { dir } = await sampleDatabase(temporaryFolder(), 1);
    rmSync(join(dir, "claims"), { recursive: true });
    const db = await openDatabase(dir, { readOnly: true });
    expect(readdirSync(dir)).not.toContain("claims");
    expect(() => db.writeClean(db.readClean(CLEAN))).toThrow(/read-only/);
  });
});

describe("records", () => {
  it("come back as written, with labels and their hash", async () => {
    const { dir, accepted } = await sampleDatabase(temporaryFolder());
    const db = await openDatabase(dir, { readOnly: true });
    expect(db.listClean()).toEqual([CLEAN]);
    expect(db.listDefects()).toEqual([
      "signs-resnet18w4-badnets-large-top040",
      "signs-resnet18w4-badnets-middle-top000",
      "signs-resnet18w4-badnets-narrow-top005",
      "signs-resnet18w4-badnets-small-top000",
    ]);
    for (const record of accepted) {
      expect(db.readDefect(record.id)).toEqual(record);
      expect(record.labels_sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(db.readLabels(record.id).id).toBe(record.id);
    }
  });

  it("are refused where they are missing, renamed or lead out of the folder", async () => {
    const { dir, db, accepted } = await sampleDatabase(temporaryFolder(), 1);
    expect(() => db.readDefect("signs-resnet18w4-badnets-large-top015")).toThrow(/has no defect/);
    expect(() => db.readDefect("../../etc/passwd")).toThrow(/bad defect id/);
    expect(() => db.readClean("clean/../../x-y-s1")).toThrow(/bad clean model id/);
    expect(() => db.readResult("../x", undefined as never)).toThrow(/bad result name/);
    const renamed = accepted[0].id.replace("top000", "top010");
    writeFileSync(db.layout.defect(renamed), readFileSync(db.layout.defect(accepted[0].id)));
    expect(() => db.readDefect(renamed)).toThrow(/holds 'signs/);
    expect(() => db.readLabels("signs-resnet18w4-badnets-large-top040")).toThrow(/no labels/);
    expect(readdirSync(join(dir, "tmp"))).toEqual([]);
  });

  it("count in the journal, a torn line included", async () => {
    const { dir, db } = await sampleDatabase(temporaryFolder(), 1);
    writeFileSync(join(dir, "journal.jsonl"), '{"event":"de', { flag: "a" });
    db.writeResult("localize/fp/x", { kind: "prediction" });
    const lines = readFileSync(join(dir, "journal.jsonl"), "utf8").trim().split("\n");
    expect(lines.length).toBe(6);
    expect(JSON.parse(lines[5])).toMatchObject({ event: "result", name: "localize/fp/x" });
    expect(db.listResults()).toEqual(["localize/fp/x"]);
  });
});

describe("models", () => {
  it("are rebuilt in every version", async () => {
    const { db, accepted } = await sampleDatabase(temporaryFolder());
    const clean = await db.loadClean(db.readClean(CLEAN));
    expect(encodeState(clean)).toEqual(encodeState(randomState(buildNetwork("resnet18w4", CLASSES.length), 1)));
    for (const record of accepted) {
      expect(modelSha256(await db.loadVersion(record, "clean"))).toBe(record.clean_sha256);
      expect(modelSha256(await db.loadVersion(record, "infected"))).toBe(record.infected_model!.decoded_sha256);
      expect(modelSha256(await db.loadVersion(record, "sham"))).toBe(record.sham_model!.decoded_sha256);
      expect(record.infected_model!.bytes).toBeLessThan(0.5 * db.readClean(CLEAN).model.bytes);
      expect(await db.readTrigger(record, decodeTrigger)).toEqual(TRIGGER);
    }
  });

  it("belong to the caller: spoiling one does not spoil the next", async () => {
    const { db, accepted } = await sampleDatabase(temporaryFolder(), 1);
    for (const version of ["clean", "infected"] as const) {
      const state = await db.loadVersion(accepted[0], version);
      for (const { data } of state.values()) data.fill(Number.NaN);
    }
    await expect(db.loadVersion(accepted[0], "infected")).resolves.toBeDefined();
  });

  it("are refused where there are none or the twin is another", async () => {
    const { db, accepted } = await sampleDatabase(temporaryFolder(), 1);
    const rejected = db.readDefect("signs-resnet18w4-badnets-large-top040");
    await expect(db.loadVersion(rejected, "sham")).rejects.toThrow(/no sham model/);
    await expect(db.loadVersion({ ...accepted[0], clean_sha256: "0".repeat(64) }, "infected")).rejects.toThrow(/twin/);
  });
});

describe("checkpoints", () => {
  it("replace each other and go without a trace, leaving a model of the same weights alone", async () => {
    const { db } = await sampleDatabase(temporaryFolder(), 1);
    const clean = db.readClean(CLEAN);
    const state = await db.loadClean(clean);
    const objects = () =>
      readdirSync(db.layout.path("objects"), { recursive: true, withFileTypes: true }).filter((e) => e.isFile()).length;
    const before = objects();
    expect(await db.readCheckpoint(CLEAN)).toBeNull();
    await db.writeCheckpoint(CLEAN, randomState(buildNetwork("resnet18w4", 10), 5), { epoch: 1 });
    await db.writeCheckpoint(CLEAN, state, { epoch: 2 });
    expect(objects()).toBe(before + 1);
    const back = await db.readCheckpoint(CLEAN);
    expect(back!.meta).toEqual({ epoch: 2 });
    expect(modelSha256(back!.state)).toBe(clean.model.decoded_sha256);
    expect(db.listClean()).toEqual([CLEAN]);
    db.dropCheckpoint(CLEAN);
    db.dropCheckpoint(CLEAN);
    expect(await db.readCheckpoint(CLEAN)).toBeNull();
    expect(objects()).toBe(before);
    await expect(db.loadClean(clean)).resolves.toBeDefined();
  });
});
