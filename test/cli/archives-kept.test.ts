import { cpSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { databaseManifest } from "../../src/records/database.ts";
import { readJson, writeJson } from "../../src/store/disk/json.ts";
import { treeOf } from "../e2e/files.ts";
import { sampleDatabase } from "../store/fixture.ts";
import { temporaryFolder } from "../store/temp.ts";
import { bdefects, rowsOf } from "./program.ts";

const root = temporaryFolder();
const [db, archives] = ["db", "archives"].map((name) => join(root, name));
let ids: string[];

beforeAll(async () => {
  const { db: made } = await sampleDatabase(db, 2);
  ids = made.listDefects();
  rowsOf(["export", "--archives", "--out", archives, "--db", db]);
});

/** A copy of the archives, into which something is to be written. */
function copied(): string {
  const dir = join(temporaryFolder(), "archives");
  cpSync(archives, dir, { recursive: true });
  return dir;
}

/** The database under another stamp. */
function stamped(change: Partial<{ edition: string; seed: number; data: Record<string, string> }>): string {
  const dir = join(temporaryFolder(), "db");
  cpSync(db, dir, { recursive: true });
  const path = join(dir, "database.json");
  writeJson(path, databaseManifest, { ...readJson(path, databaseManifest), ...change }, dir);
  return dir;
}

function expectRefused(source: string, out: string, message: RegExp): void {
  const before = treeOf(out);
  const { status, stdout, stderr } = bdefects(["export", "--archives", "--out", out, "--db", source]);
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toMatch(/^error: [^\n]+\n$/);
  expect(stderr).toMatch(message);
  expect(treeOf(out)).toEqual(before);
}

describe("export --archives into a folder that has archives", () => {
  it("refuses to replace one by less than it holds, until that was imported", () => {
    expect(ids.length).toBeGreaterThan(1);
    const [slice, mine] = [join(temporaryFolder(), "one.tar.gz"), join(temporaryFolder(), "mine")];
    rowsOf(["export", ids[0], "--out", slice, "--db", db]);
    expect(bdefects(["import", slice, "--db", mine]).status).toBe(0);
    const out = copied();
    const archive = join(out, "signs-resnet18w4.tar.gz");
    const others = ids.length > 2 ? ` and ${ids.length - 2} more candidate${ids.length > 3 ? "s" : ""}` : "";
    expectRefused(
      mine,
      out,
      new RegExp(
        `: holds '${ids[1]}'${others}, which the database lacks; run 'bdefects import ${archive} --db ${mine}' first`,
      ),
    );
    expect(bdefects(["import", archive, "--db", mine]).status).toBe(0);
    const [row] = rowsOf(["export", "--archives", "--out", out, "--db", mine]);
    expect(row).toMatchObject({ status: "same", defects: ids.length });
  });

  it.each([
    ["edition", { edition: "other" }, /resnet18w4\.tar\.gz: has edition 'demo', the database 'other'; name another/],
    ["seed", { seed: 7 }, /has seed 1, the database 7; name another folder with --out/],
    ["data", { data: { signs: "e".repeat(64) } }, /has signs data d{12}, the database e{12}; name another/],
  ])("refuses a database of another %s, also where it would write other archives", (_, change, message) => {
    expectRefused(stamped(change), copied(), message);
    const beside = copied();
    cpSync(join(beside, "signs-resnet18w4.tar.gz"), join(beside, "cifar10-vgg13w4.tar.gz"));
    rmSync(join(beside, "signs-resnet18w4.tar.gz"));
    expectRefused(stamped(change), beside, new RegExp(message.source.replace("resnet18w4", "vgg13w4")));
  });

  it("replaces what is no archive, and one that holds less", () => {
    const out = copied();
    const archive = join(out, "signs-resnet18w4.tar.gz");
    rowsOf(["export", ids[0], "--out", join(out, "new.tar.gz"), "--db", db]);
    cpSync(join(out, "new.tar.gz"), archive);
    const again = () => rowsOf(["export", "--archives", "--out", out, "--db", db]).map(({ status }) => status);
    expect(again()).toEqual(["replaced"]);
    writeFileSync(archive, "cut short");
    expect(again()).toEqual(["replaced"]);
    expect(again()).toEqual(["same"]);
  });
});
