import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import { beforeAll, describe, expect, it } from "vitest";
import { exportTables } from "../../src/pipeline/tables/export-tables.ts";
import type { ExportManifest } from "../../src/records/export.ts";
import { Catalog } from "../../src/store/catalog/catalog.ts";
import { Claim } from "../../src/store/claims.ts";
import { openDatabase } from "../../src/store/database.ts";
import { checksummedJson } from "../../src/store/disk/json.ts";
import { sha256Of } from "../../src/store/objects/objects.ts";
import { Results } from "../../src/store/results/results.ts";
import { exportDefects } from "../../src/store/transfer/export.ts";
import { importExport } from "../../src/store/transfer/import.ts";
import { verifyDatabase } from "../../src/store/verify/verify.ts";
import { bdefects, rowsOf } from "../cli/program.ts";
import { type Item, tarOf } from "../datasets/archives.ts";
import { factsOf, treeOf } from "../e2e/files.ts";
import { judgedDatabase } from "../report/fixture.ts";
import type { SampleDatabase } from "./fixture.ts";
import { temporaryFolder } from "./temp.ts";

const root = temporaryFolder();
// Imports are staged in the system's temporary folder: one of this file's own shows what they leave there.
process.env.TMPDIR = join(root, "tmp");
mkdirSync(process.env.TMPDIR);
let sample: SampleDatabase;
let ids: string[];
let files: Item[];
let archive: string;
beforeAll(async () => {
  sample = await judgedDatabase(join(root, "db"), { count: 2 });
  ids = sample.db.listDefects();
  archive = join(root, "all.tar.gz");
  await exportDefects(sample.db, { ids, out: archive, results: true });
  const folder = join(root, "folder");
  const { files: listed } = await exportDefects(sample.db, { ids, out: folder, results: false });
  files = ["export.json", ...listed.map(({ path }) => path)].map((path) => ({
    path,
    data: readFileSync(join(folder, path)),
  }));
});

/** Facts without the folder's own stamp of time, and without empty folders. */
function holdings(dir: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(factsOf(dir)).filter(([file, hash]) => hash !== "folder" && file !== "database.json"),
  );
}

const fresh = () => join(temporaryFolder(), "db");

function archiveOf(items: Item[]): string {
  const path = join(temporaryFolder(), "x.tar.gz");
  writeFileSync(path, gzipSync(tarOf(items)));
  return path;
}

/** The export with its manifest changed, its checksum made to fit. */
function withManifest(change: (manifest: ExportManifest) => void, items = files): Item[] {
  const { checksum: _, ...manifest } = JSON.parse(items[0].data!.toString());
  change(manifest);
  return [{ path: "export.json", data: Buffer.from(checksummedJson(manifest)) }, ...items.slice(1)];
}

/** The export with one file's content changed, and the manifest as if that had been exported. */
function forged(path: string, change: (data: Buffer) => Buffer): Item[] {
  const items = files.map((item) => (item.path === path ? { path, data: change(item.data!) } : item));
  const { data } = items.find((item) => item.path === path)!;
  return withManifest((manifest) => {
    Object.assign(manifest.files.find((file) => file.path === path)!, { bytes: data!.length, sha256: sha256Of(data!) });
  }, items);
}

async function refused(source: string, message: RegExp, dir = fresh()): Promise<void> {
  const before = treeOf(dirname(dir));
  await expect(importExport(dir, source)).rejects.toThrow(message);
  expect(treeOf(dirname(dir))).toEqual(before);
  expect(readdirSync(join(root, "tmp")).filter((name) => name.startsWith("bdefects-import-"))).toEqual([]);
}

describe("export and import", () => {
  it("carry a whole database, byte by byte, and the same one is the same archive", async () => {
    const again = join(root, "again.tgz");
    await exportDefects(sample.db, { ids: [...ids].reverse(), out: again, results: true });
    expect(sha256Of(readFileSync(again))).toBe(sha256Of(readFileSync(archive)));
    const dir = fresh();
    expect(await importExport(dir, archive)).toMatchObject({ defects: 4, clean: 1, known: 0 });
    expect(holdings(dir)).toEqual(holdings(sample.dir));
    const db = await openDatabase(dir, { readOnly: true });
    expect((await verifyDatabase(db, db.listDefects(), true)).findings).toEqual([]);
    const before = holdings(dir);
    expect(await importExport(dir, archive)).toMatchObject({ added: 0, known: Object.keys(before).length });
    expect(holdings(dir)).toEqual(before);
  });

  it("carry a slice with what it needs and nothing else, which joins another slice", async () => {
    const [a, b] = sample.accepted.map(({ id }) => id);
    const one = join(temporaryFolder(), "one");
    const two = join(temporaryFolder(), "two.tgz");
    expect(rowsOf(["export", a, "--out", one, "--db", sample.dir])).toMatchObject([{ defects: 1, clean: 1 }]);
    expect(bdefects(["export", "--where", `id = '${b}'`, "--out", two, "--db", sample.dir]).status).toBe(0);
    const dir = fresh();
    expect(rowsOf(["import", one, "--db", dir])).toMatchObject([{ defects: 1, clean: 1, known: 0 }]);
    expect(rowsOf(["ids", "--db", dir])).toMatchObject([{ id: a }]);
    expect(rowsOf(["verify", "--all", "--db", dir])).toEqual([]);
    expect(rowsOf(["import", "--db", dir, two])).toMatchObject([{ defects: 1 }]);
    expect(rowsOf(["ids", "--db", dir]).map(({ id }) => id)).toEqual([a, b].sort());
    expect(rowsOf(["verify", "--all", "--db", dir])).toEqual([]);
    expect(new Results(await openDatabase(dir)).criteria()).toEqual([]);
    // What a kill left out, a lost record and a damaged object are mended by importing again.
    const { layout, objects } = await openDatabase(dir);
    writeFileSync(objects.path(sample.accepted[0].infected_model!.object), "damaged");
    rmSync(layout.defect(a));
    rmSync(objects.path(sample.accepted[0].sham_model!.object));
    expect(bdefects(["verify", "--all", "--db", dir]).status).toBe(1);
    expect(rowsOf(["import", one, "--db", dir])).toMatchObject([{ added: 3 }]);
    expect(rowsOf(["verify", "--all", "--db", dir])).toEqual([]);
  });

  it("export nothing that is damaged, and never over something", async () => {
    const dir = fresh();
    cpSync(sample.dir, dir, { recursive: true });
    const db = await openDatabase(dir);
    const out = join(temporaryFolder(), "out");
    const path = db.objects.path(sample.accepted[0].sham_model!.object);
    const bytes = readFileSync(path);
    bytes[20] ^= 1;
    writeFileSync(path, bytes);
    await expect(exportDefects(db, { ids, out, results: false })).rejects.toThrow(/damaged/);
    rmSync(path);
    await expect(exportDefects(db, { ids, out, results: false })).rejects.toThrow(/missing/);
    expect(readdirSync(dirname(out))).toEqual([]);
    await expect(exportDefects(sample.db, { ids, out: archive, results: false })).rejects.toThrow(/exists already/);
    await expect(exportDefects(sample.db, { ids, out: root, results: false })).rejects.toThrow(/not empty/);
    expect(bdefects(["export", "--db", sample.dir])).toMatchObject({ status: 2, stdout: "" });
  });
});

describe("import refuses", () => {
  it("other bytes of the same id, and changes nothing", async () => {
    const dir = fresh();
    await importExport(dir, archive);
    const db = await openDatabase(dir);
    const [record] = sample.accepted;
    db.writeDefect({ ...record, seconds: 99 });
    rmSync(db.layout.defect(sample.accepted[1].id));
    await refused(archive, new RegExp(`${record.id}\\.json: exists with other content`), dir);
    expect(bdefects(["import", archive, "--db", dir])).toMatchObject({ status: 2, stdout: "" });
  });

  it("another edition, seed or data, but takes a further data set", async () => {
    for (const stamp of [{ edition: "lite" }, { seed: 2 }, { data: { signs: "e".repeat(64) } }]) {
      const dir = fresh();
      await openDatabase(dir, { create: { edition: "demo", seed: 1, data: {}, ...stamp } });
      await refused(archive, /built with/, dir);
    }
    const dir = fresh();
    await openDatabase(dir, { create: { edition: "demo", seed: 1, data: { gtsrb: "e".repeat(64) } } });
    await importExport(dir, archive);
    expect(Object.keys((await openDatabase(dir)).manifest.data).sort()).toEqual(["gtsrb", "signs"]);
  });

  it("what a builder is at work on, and folders of something else", async () => {
    const dir = fresh();
    const db = await openDatabase(dir, { create: { edition: "demo", seed: 1, data: {} } });
    const claim = Claim.take(db.layout.path("claims"), ids[0])!;
    await refused(archive, /is being built/, dir);
    claim.release();
    const other = fresh();
    mkdirSync(other);
    writeFileSync(join(other, "thesis.tex"), "x");
    await refused(archive, /is no database/, other);
  });

  it("archives that lead elsewhere, hold links or more than they list", async () => {
    const data = Buffer.from("owned");
    const [manifest, ...rest] = files;
    const hostile: [Item[], RegExp][] = [
      [[manifest, { path: "../../evil.json", data }, ...rest], /evil\.json.*does not list/],
      [[manifest, { path: "/tmp/evil.json", data }, ...rest], /does not list/],
      [[manifest, { path: "objects/evil", type: "SymbolicLink", target: "/etc/passwd" }, ...rest], /is a SymbolicLink/],
      [[manifest, { path: rest[0].path, type: "Link", target: "/etc/passwd" }, ...rest.slice(1)], /is a Link/],
      [[manifest, { path: rest[0].path, type: "CharacterDevice" }, ...rest.slice(1)], /is a CharacterDevice/],
      [[manifest, ...rest, rest[0]], /does not list \(or twice\)/],
      [[manifest, ...rest, { path: "notes.txt", data }], /does not list/],
      [[manifest, ...rest.slice(1)], /lacks .*: it was cut short/],
      [[...rest, manifest], /is no export: begins with/],
      [[{ path: "export.json", data: Buffer.from("{}") }], /damaged/],
      [[manifest, { ...rest[0], data: Buffer.concat([rest[0].data!, data]) }, ...rest.slice(1)], /bytes, not the/],
      [[manifest, { ...rest[0], data: Buffer.alloc(rest[0].data!.length) }, ...rest.slice(1)], /is damaged/],
      [withManifest((m) => m.files.push({ path: "../x.json", bytes: 1, sha256: "0".repeat(64) })), /schema/],
      [withManifest((m) => m.files.push({ path: "results/../../x.json", bytes: 1, sha256: "0".repeat(64) })), /schema/],
      [withManifest((m) => m.files.push({ path: "database.json", bytes: 1, sha256: "0".repeat(64) })), /schema/],
      [withManifest((m) => m.files.push(m.files[0])), /named twice/],
      [withManifest((m) => m.files.push({ ...m.files[0], path: "results/x/y.json", bytes: 9e8 })), /far more than/],
      [withManifest((m) => m.files.push({ ...m.files[0], path: "results/x/y.json", bytes: 2 ** 40 })), /too large/],
      [withManifest((m) => m.defects.pop()), /other defects or clean models/],
      [withManifest((m) => Object.assign(m, { data: { signs: "0".repeat(64) } })), /other signs data/],
    ];
    // What verifying finds later has no other mend than the archive's maker.
    const withMend = ({ source }: RegExp) => (/^other/.test(source) ? source : `(${source}).*; [^;]*(anew|a copy)$`);
    for (const [items, message] of hostile) await refused(archiveOf(items), new RegExp(withMend(message)));
  });

  it("records, labels and models that do not fit, though every hash does", async () => {
    const id = sample.accepted[0].id;
    const record = `defects/${sample.accepted[0].group_id}/${id}.json`;
    const rewrite = (change: (value: Record<string, unknown>) => void) => (data: Buffer) => {
      const { checksum: _, ...value } = JSON.parse(data.toString());
      change(value);
      return Buffer.from(checksummedJson(value));
    };
    const model = sample.accepted[0].infected_model!;
    const object = `objects/${model.object.slice(0, 2)}/${model.object}`;
    await refused(archiveOf(forged(record, (data) => Buffer.concat([data, data]))), /checksum|end in its/);
    await refused(
      archiveOf(
        forged(
          record,
          rewrite((value) => (value.status = "excellent")),
        ),
      ),
      /schema/,
    );
    await refused(
      archiveOf(
        forged(
          record,
          rewrite((value) => (value.infected = 3)),
        ),
      ),
      /number of infected/,
    );
    await refused(
      archiveOf(
        forged(
          record,
          rewrite((value) => (value.infected_model = { ...model, decoded_sha256: "0".repeat(64) })),
        ),
      ),
      /another model/,
    );
    await refused(
      archiveOf(forged(object, (data) => Buffer.from(data.map((byte, i) => (i === 30 ? byte ^ 1 : byte))))),
      /hash/,
    );
  });

  it("what is cut short, wherever, and what is no archive", async () => {
    const bytes = readFileSync(archive);
    for (const share of [0, 0.01, 0.5, 0.99, 1 - 1 / bytes.length]) {
      const path = join(temporaryFolder(), "x.tar.gz");
      writeFileSync(path, bytes.subarray(0, Math.floor(share * bytes.length)));
      await refused(path, /x\.tar\.gz/);
    }
    const tar = gunzipSync(bytes);
    for (const share of [0.3, 0.8]) {
      const path = join(temporaryFolder(), "x.tar");
      writeFileSync(path, tar.subarray(0, 512 * Math.floor((share * tar.length) / 512)));
      await refused(path, /x\.tar/);
    }
    const text = join(temporaryFolder(), "x.tar.gz");
    writeFileSync(text, "not an archive");
    await refused(text, /x\.tar\.gz/);
    await refused(join(root, "nothing"), /no such file/);
    await refused(temporaryFolder(), /no export\.json/);
    const { status, stderr } = bdefects(["import", text, "--db", fresh()]);
    expect([status, stderr]).toEqual([2, expect.stringMatching(/^error: [^\n]+\n$/)]);
  });

  it("folders with links or strays", async () => {
    const folder = join(temporaryFolder(), "export");
    cpSync(join(root, "folder"), folder, { recursive: true });
    writeFileSync(join(folder, "notes.txt"), "x");
    await refused(folder, /does not list/);
    rmSync(join(folder, "notes.txt"));
    const [{ path }] = files.slice(-1);
    rmSync(join(folder, path));
    symlinkSync(join(root, "folder", path), join(folder, path));
    await refused(folder, /is no plain file/);
    rmSync(join(folder, "objects"), { recursive: true });
    symlinkSync(join(root, "folder", "objects"), join(folder, "objects"));
    await refused(folder, /is no plain file/);
  });
});

describe("export --tables", () => {
  it("writes catalog, scores and repairs, the same in every form", async () => {
    const read = async (kind: string, table: string) => {
      const instance = await DuckDBInstance.create(":memory:");
      const connection = await instance.connect();
      const path = join(root, `tables-${kind}`, `${table}.${kind}`);
      return (await connection.runAndReadAll(`SELECT * FROM '${path}'`)).getRowObjectsJson();
    };
    const written = rowsOf([
      "export",
      "--tables",
      "parquet",
      "--out",
      join(root, "tables-parquet"),
      "--db",
      sample.dir,
    ]);
    const names = ["defects", "clean", "neurons", "predictions", "scores", "repairs"];
    expect(written.map(({ table }) => table)).toEqual(names);
    const rows = await new Catalog(sample.db).list();
    for (const kind of ["csv", "json"] as const) {
      expect(await exportTables(sample.db, rows, join(root, `tables-${kind}`), kind)).toHaveLength(names.length);
    }
    const defects = await read("parquet", "defects");
    expect(defects).toEqual(rowsOf(["query", "--db", sample.dir]));
    const scores = await read("parquet", "scores");
    expect(scores).toEqual(rowsOf(["score", "--db", sample.dir]));
    expect(scores.length).toBeGreaterThan(50);
    const repairs = await read("parquet", "repairs");
    expect(repairs).toEqual(rowsOf(["score", "--repairs", "--db", sample.dir]));
    for (const table of names) {
      const rows = JSON.parse(readFileSync(join(root, "tables-json", `${table}.json`), "utf8"));
      expect(rows).toEqual(await read("parquet", table));
      expect(await read("csv", table)).toHaveLength(rows.length);
    }
    const [first] = sample.accepted;
    const out = join(temporaryFolder(), "one's");
    expect(rowsOf(["export", first.id, "--tables", "csv", "--out", out, "--db", sample.dir])[0]).toMatchObject({
      rows: 1,
    });
    expect(bdefects(["export", "--tables", "csv", "--out", out, "--db", sample.dir]).status).toBe(2);
    expect(bdefects(["export", "--tables", "xml", "--out", "x", "--db", sample.dir]).status).toBe(2);
  });
});
