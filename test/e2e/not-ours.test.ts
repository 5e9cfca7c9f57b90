import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { ResultFolder } from "../../src/store/results/result-folder.ts";
import { exportDefects } from "../../src/store/transfer/export.ts";
import { bdefects } from "../cli/program.ts";
import { deadPid, leaveStaging } from "../files/abandoned.ts";
import { LONG } from "../setup/long.ts";
import { sampleDatabase } from "../store/fixture.ts";
import { temporaryFolder } from "../store/temp.ts";
import { treeOf } from "./files.ts";

const MAIN = join(import.meta.dirname, "..", "..", "dist", "cli", "main.js");

let template: string;
let exported: string;
beforeAll(async () => {
  const root = temporaryFolder();
  template = join(root, "db");
  const { db } = await sampleDatabase(template, 1);
  exported = join(root, "export");
  await exportDefects(db, { ids: db.listDefects(), out: exported, results: false });
});

function copyOfDatabase(): string {
  const dir = join(temporaryFolder(), "db");
  cpSync(template, dir, { recursive: true });
  return dir;
}

/** Somebody's folder, last touched long ago. */
function makePrecious(dir: string): Record<string, string> {
  mkdirSync(join(dir, "sub"), { recursive: true });
  writeFileSync(join(dir, "thesis.txt"), "a");
  writeFileSync(join(dir, "sub", "data.txt"), "b");
  for (const path of ["thesis.txt", "sub/data.txt", "sub", "."]) utimesSync(join(dir, path), 1e9, 1e9);
  return treeOf(dir);
}

function expectRefused(args: string[], message: RegExp): void {
  const { status, stdout, stderr } = bdefects(args);
  expect(stderr).toMatch(/^error: [^\n]+\n$/);
  expect(stderr).toMatch(message);
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
}

describe("what is not ours", () => {
  it.each(["tmp", "claims", "jobs", "results", "objects", "defects", "clean"])(
    "is left alone where '%s' is a link to it",
    (part) => {
      const db = copyOfDatabase();
      const elsewhere = join(temporaryFolder(), "precious");
      const existed = existsSync(join(db, part));
      if (existed) renameSync(join(db, part), elsewhere);
      makePrecious(elsewhere);
      symlinkSync(elsewhere, join(db, part));
      const before = treeOf(elsewhere);
      const message = new RegExp(`${part}: is a symbolic link; nothing is written or deleted through links`);
      for (const args of part === "tmp" ? [["reindex"], ["report"], ["import", exported]] : [["import", exported]]) {
        expectRefused([...args, "--db", db], message);
      }
      expect(treeOf(elsewhere)).toEqual(before);
    },
  );

  it("is left alone behind links further below", () => {
    for (const below of ["objects/zz", "defects/group", "results/localize", "results/repair/prune"]) {
      const db = copyOfDatabase();
      const elsewhere = temporaryFolder();
      const before = makePrecious(elsewhere);
      mkdirSync(join(db, below, ".."), { recursive: true });
      symlinkSync(elsewhere, join(db, below));
      expectRefused(["reindex", "--db", db], new RegExp(`${below}: is a symbolic link`));
      expect(treeOf(elsewhere)).toEqual(before);
    }
  });

  it("is left alone behind links in a folder of results", () => {
    for (const below of ["localize", "localize/random", "repair"]) {
      const out = temporaryFolder();
      const elsewhere = temporaryFolder();
      const before = makePrecious(elsewhere);
      mkdirSync(join(out, below, ".."), { recursive: true });
      symlinkSync(elsewhere, join(out, below));
      const message = `${below}: is a symbolic link; nothing is written or deleted through links`;
      if (below === "repair") {
        const results = new ResultFolder(out);
        expect(() => results.writeWeights("repair/prune/random/some", new Uint8Array(8))).toThrow(message);
        expect(() => results.dropResult("repair/prune/random/some")).toThrow(message);
      } else {
        const id = "gtsrb-vgg13w8-badnets-small-top040";
        expectRefused(["localize", id, "--criterion", "random", "--db", "sample", "--out", out], new RegExp(message));
      }
      expect(treeOf(elsewhere)).toEqual(before);
    }
  });

  it("is left alone in the database's own tmp", () => {
    const db = copyOfDatabase();
    mkdirSync(join(db, "tmp"), { recursive: true });
    const before = makePrecious(join(db, "tmp"));
    const stale = join(db, "tmp", `${deadPid()}-0123456789ab`);
    writeFileSync(stale, "x");
    utimesSync(stale, 1e9, 1e9);
    expect(bdefects(["reindex", "--db", db]).status).toBe(0);
    expect(treeOf(join(db, "tmp"))).toEqual(before);
  });

  it("makes a folder no new database", () => {
    const makers: [string, (dir: string) => void][] = [
      ["tmp/(sub/data|thesis).txt", (dir) => makePrecious(join(dir, "tmp"))],
      ["results/notes.csv", (dir) => put(dir, "results/notes.csv")],
      ["results/localize.json", (dir) => put(dir, "results/localize.json")],
      ["claims/insurance.txt", (dir) => put(dir, "claims/insurance.txt")],
      ["objects/ab/chair.obj", (dir) => put(dir, "objects/ab/chair.obj")],
      ["jobs/application.txt", (dir) => put(dir, "jobs/application.txt")],
      ["clean/dishes.json", (dir) => put(dir, "clean/dishes.json")],
      ["report.html", (dir) => put(dir, "report.html")],
      ["catalog.duckdb", (dir) => put(dir, "catalog.duckdb")],
      ["journal.jsonl", (dir) => put(dir, "journal.jsonl")],
      ["photos", (dir) => mkdirSync(join(dir, "photos"))],
      ["database.json.bak", (dir) => put(dir, "database.json.bak")],
      [
        "claims/x.0",
        (dir) => [mkdirSync(join(dir, "claims")), symlinkSync("/etc/hostname", join(dir, "claims", "x.0"))],
      ],
    ];
    for (const [name, make] of makers) {
      const dir = temporaryFolder();
      make(dir);
      const before = treeOf(dir);
      expectRefused(
        ["import", exported, "--db", dir],
        new RegExp(`holds other files \\('${name}'\\) and is no database`),
      );
      expect(treeOf(dir)).toEqual(before);
    }
  });

  it("is not where a folder is empty, or holds what a killed creation left", () => {
    const dir = temporaryFolder();
    expect(bdefects(["import", exported, "--db", dir]).status).toBe(0);
    rmSync(join(dir, "database.json"));
    expect(bdefects(["import", exported, "--db", dir]).status).toBe(0);
    const killed = temporaryFolder();
    put(killed, "tmp/4000000-0123456789ab");
    expect(bdefects(["import", exported, "--db", killed]).status).toBe(0);
  });

  it("is not overwritten by an export, also through a link that leads nowhere", () => {
    const dir = temporaryFolder();
    for (const out of ["link.tar.gz", "link"]) {
      symlinkSync(join(dir, "nowhere"), join(dir, out));
      expectRefused(["export", "--db", template, "--out", join(dir, out)], /exists already|is a symbolic link/);
    }
    expect(readdirSync(dir).sort()).toEqual(["link", "link.tar.gz"]);
  });
});

describe("a pruning that was killed", () => {
  it("loses nothing: what it had set aside is put back", () => {
    const db = copyOfDatabase();
    const before = treeOf(join(db, "objects"));
    const aside = join(db, "tmp", `prune-${deadPid()}-0123456789ab`);
    mkdirSync(aside, { recursive: true });
    for (const file of Object.keys(before).filter((name) => before[name] !== "folder")) {
      mkdirSync(join(aside, "objects", file, ".."), { recursive: true });
      renameSync(join(db, "objects", file), join(aside, "objects", file));
    }
    writeFileSync(join(aside, "thesis.txt"), "mine");
    expect(bdefects(["reindex", "--db", db]).status).toBe(0);
    expect(treeOf(join(db, "objects"))).toEqual(before);
    expect(readdirSync(aside)).toEqual(["thesis.txt"]);
    expect(bdefects(["verify", "--all", "--db", db]).status).toBe(0);
  });
});

describe.skipIf(process.platform !== "linux")("an import that is cut short", () => {
  /** The program as it waits for an archive that comes through a pipe. */
  async function waitingImport(folder: string) {
    const pipe = join(folder, "pipe.tar.gz");
    if (!existsSync(pipe)) spawnSync("mkfifo", [pipe]);
    const tmp = join(folder, "tmp");
    mkdirSync(tmp, { recursive: true });
    const child = spawn(process.execPath, [MAIN, "import", pipe, "--db", join(folder, "db")], {
      stdio: "ignore",
      env: { ...process.env, TMPDIR: tmp },
    });
    const ended = once(child, "exit");
    await expect
      .poll(() => readdirSync(tmp).some((name) => existsSync(join(tmp, name, "content"))), { timeout: 30_000 })
      .toBe(true);
    return { child, ended, tmp };
  }

  const signals = ["SIGINT", ...(LONG ? (["SIGTERM", "SIGHUP"] as const) : [])] as const;
  it.each(signals)("by %s leaves no staging folder and ends by it", async (signal) => {
    const { child, ended, tmp } = await waitingImport(temporaryFolder());
    child.kill(signal);
    expect(await ended).toEqual([null, signal]);
    expect(readdirSync(tmp)).toEqual([]);
  });

  it("by SIGKILL leaves one that the next start removes, but nobody else's", async () => {
    const folder = temporaryFolder();
    const { child, ended, tmp } = await waitingImport(folder);
    child.kill("SIGKILL");
    await ended;
    expect(readdirSync(tmp)).toHaveLength(1);
    const other = leaveStaging(tmp, "bdefects-import", { host: "another machine" });
    const { status } = bdefects(["import", exported, "--db", join(folder, "db")], { TMPDIR: tmp });
    expect(status).toBe(0);
    expect(readdirSync(tmp)).toEqual([other.split("/").at(-1)]);
  });
});

function put(dir: string, file: string): void {
  mkdirSync(join(dir, file, ".."), { recursive: true });
  writeFileSync(join(dir, file), "not ours");
}
