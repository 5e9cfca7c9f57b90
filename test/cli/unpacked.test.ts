import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { databaseManifest } from "../../src/records/database.ts";
import { readJson, writeJson } from "../../src/store/disk/json.ts";
import { treeOf } from "../e2e/files.ts";
import { sampleDatabase } from "../store/fixture.ts";
import { temporaryFolder } from "../store/temp.ts";
import { bdefects, rowsOf, spawned } from "./program.ts";

const MAIN = join(import.meta.dirname, "..", "..", "dist", "cli", "main.js");
const root = temporaryFolder();
const [archives, cache] = ["archives", "cache"].map((name) => join(root, name));
let ids: string[];

/** The folder of unpacked databases, and the one in it. */
function unpackedIn(folder: string): { parent: string; dir: string } {
  const parent = join(folder, "bdefects4nn", "databases");
  return { parent, dir: join(parent, readdirSync(parent).find((name) => name.startsWith("whole-"))!) };
}

/** A copy of the cache after a first use, to be damaged. */
function used(): { env: Record<string, string>; parent: string; dir: string } {
  const copy = join(temporaryFolder(), "cache");
  cpSync(cache, copy, { recursive: true });
  return { env: envOf(copy), ...unpackedIn(copy) };
}

function envOf(folder: string): Record<string, string> {
  return { BDEFECTS_WHOLE: archives, XDG_CACHE_HOME: folder, LOCALAPPDATA: folder, HOME: folder };
}

const list = (env: Record<string, string>) => bdefects(["ids", "--db", "whole"], env);

/** The files of a database as they were unpacked. */
function contentOf(dir: string): Record<string, string> {
  const isContent = ([path]: [string, string]) => /^(clean|defects|objects|database|unpacked)/.test(path);
  return Object.fromEntries(Object.entries(treeOf(dir)).filter(isContent));
}

beforeAll(async () => {
  const db = join(root, "db");
  ids = (await sampleDatabase(db, 1)).db.listDefects();
  const manifest = join(db, "database.json");
  writeJson(manifest, databaseManifest, { ...readJson(manifest, databaseManifest), edition: "whole" }, db);
  rowsOf(["export", "--archives", "--out", archives, "--db", db]);
  expect(list(envOf(cache)).status).toBe(0);
});

describe("what is left of an unpacked database", () => {
  it.each([
    ["its manifest", "database.json"],
    ["a group", "defects"],
    ["an object", "objects"],
    ["the list of what was unpacked", "unpacked.json"],
  ])("is replaced where it lacks %s, once", (_, part) => {
    const { env, parent, dir } = used();
    const before = contentOf(dir);
    rmSync(join(dir, part), { recursive: true });
    const { status, stdout, stderr } = list(env);
    expect([status, stderr]).toEqual([
      0,
      expect.stringMatching(/^whole: '[a-z./0-9-]+' was missing in .*: the archives were unpacked anew$/m),
    ]);
    for (const id of ids) expect(stdout).toContain(id);
    expect(contentOf(dir)).toEqual(before);
    expect(list(env).stderr).not.toMatch(/unpacked anew/);
    expect(readdirSync(parent).filter((name) => name.endsWith(".stage"))).toEqual([]);
  });

  it("is left alone where it holds what is not ours, or is no folder, and the mend is told", () => {
    const { env, dir } = used();
    rmSync(join(dir, "database.json"));
    writeFileSync(join(dir, "thesis.txt"), "mine");
    const before = treeOf(dir);
    const kept = list(env);
    expect([kept.status, kept.stderr]).toEqual([
      2,
      expect.stringMatching(/^error: .*is not complete and holds 'thesis\.txt'.*delete the folder[^\n]*\n$/),
    ]);
    expect(treeOf(dir)).toEqual(before);
    const elsewhere = join(temporaryFolder(), "elsewhere");
    cpSync(dir, elsewhere, { recursive: true });
    rmSync(join(elsewhere, "thesis.txt"));
    rmSync(dir, { recursive: true });
    symlinkSync(elsewhere, dir);
    const linked = list(env);
    expect([linked.status, linked.stderr]).toEqual([
      2,
      expect.stringMatching(/^error: .*is no folder of this program/),
    ]);
    expect(existsSync(join(elsewhere, "defects"))).toBe(true);
  });

  it("is told in one line where it is opened by its path", () => {
    const { env, dir } = used();
    rmSync(join(dir, "clean"), { recursive: true });
    const { status, stderr } = bdefects(["ids", "--db", dir], env);
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(/^error: .*: 'clean\/.*' is missing; delete .*, and '--db whole' unpacks it anew\n$/),
    ]);
  });

  it("is replaced once where several come at once", async () => {
    for (const part of ["database.json", "."]) {
      const { env, parent, dir } = used();
      const before = contentOf(dir);
      rmSync(join(dir, part), { recursive: true });
      if (part === ".") mkdirSync(dir);
      const runs = [0, 1, 2].map(() =>
        spawn(process.execPath, [MAIN, "groups", "--db", "whole"], {
          stdio: "ignore",
          env: { ...process.env, ...env },
        }),
      );
      expect(await Promise.all(runs.map((run) => once(run, "exit")))).toEqual(runs.map(() => [0, null]));
      expect(contentOf(dir)).toEqual(before);
      expect(readdirSync(parent).filter((name) => name.endsWith(".stage"))).toEqual([]);
    }
  });
});

describe("the user's cache", () => {
  it("is named by its variable where it cannot be written", () => {
    const file = join(temporaryFolder(), "file");
    writeFileSync(file, "");
    const { status, stderr } = list({ ...envOf(file), HOME: root });
    expect(status).toBe(2);
    expect(stderr).toMatch(/^error: .*name a folder: (XDG_CACHE_HOME|LOCALAPPDATA|HOME) leads to another cache\n$/);
  });

  it.skipIf(process.platform !== "linux")("is not where a relative XDG_CACHE_HOME says", () => {
    const home = temporaryFolder();
    const folder = temporaryFolder();
    const env = { ...envOf("relative"), HOME: home };
    expect(spawned(["ids", "--db", "whole"], env, folder).status).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
    expect(unpackedIn(join(home, ".cache")).dir).toMatch(/whole-/);
  });
});
