import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { writeTinyData } from "../e2e/tiny.ts";
import { idsOf, makeDatabase } from "../pipeline/database.ts";
import { temporaryFolder } from "../store/temp.ts";
import { commandLinesWith } from "./plugin-processes.ts";
import { rowsOf, spawned } from "./program.ts";

const [ID] = idsOf("cifar10");

/**
 * Writes all that it finds of processes (its ancestors, and all others), its folder and the database, and leaves a process
 * in a session of its own.
 */
const SPY = `
import { spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
const [report, db, mark] = process.argv.slice(2);
const folder = process.argv.at(-1);
const tried = (read) => { try { return read(); } catch (error) { return error.code; } };
const text = (path) => tried(() => readFileSync(path, "latin1"));
const about = (pid) => ({
  cmdline: text("/proc/" + pid + "/cmdline"),
  environ: text("/proc/" + pid + "/environ"),
  cwd: tried(() => readlinkSync("/proc/" + pid + "/cwd")),
  fds: tried(() => readdirSync("/proc/" + pid + "/fd").map((fd) => tried(() => readlinkSync("/proc/" + pid + "/fd/" + fd)))),
});
const parentOf = (pid) => Number(/^PPid:\\s*(\\d+)/m.exec(text("/proc/" + pid + "/status"))?.[1] ?? 0);
const ancestors = [];
for (let pid = process.ppid; pid > 0; pid = parentOf(pid)) ancestors.push(about(pid));
const others = readdirSync("/proc").filter((name) => /^\\d+$/.test(name) && Number(name) !== process.pid).map(about);
const files = tried(() => readdirSync(db, { recursive: true }));
spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)", mark], { detached: true, stdio: "ignore" }).unref();
const { layers } = JSON.parse(text(folder + "/model.json"));
const scores = Object.fromEntries(layers.map(({ name, width }) => [name, [...Array(width).keys()]]));
writeFileSync(folder + "/out/scores.json", JSON.stringify({ scores }));
writeFileSync(report, JSON.stringify({ ancestors, others, files, cwd: process.cwd(), env: process.env }));`;

describe.skipIf(process.platform !== "linux")("a plug-in that looks around", () => {
  let data: string;
  let db: string;
  let spy: string;
  const report = () => join(temporaryFolder(), "report.json");
  beforeAll(async () => {
    data = writeTinyData(temporaryFolder());
    db = await makeDatabase("cifar10", data);
    spy = join(temporaryFolder(), "spy.mjs");
    writeFileSync(spy, SPY);
  });
  const isolation = (env: Record<string, string> = {}) =>
    JSON.parse(spawned(["env", "--format", "json"], env).stdout)[0].plugin_isolation as string;

  const look = (mark: string, env: Record<string, string>, cwd?: string) => {
    const file = report();
    const command = `spy-${mark}=cmd:"${process.execPath}" '${spy}' '${file}' '${db}' mark-${mark}`;
    const ran = spawned(["localize", `${ID}:sham`, "--criterion", command], env, cwd);
    expect(ran.status, ran.stderr).toBe(0);
    return JSON.parse(readFileSync(file, "utf8"));
  };
  const TELLING = () => ({
    BDEFECTS_DB: db,
    BDEFECTS_DATA: data,
    SUDO_COMMAND: `bdefects localize ${ID}`,
    npm_lifecycle_script: `bdefects localize ${ID}:sham --db ${db}`,
    NOTE_OF_MINE: `on ${ID}`,
    HARMLESS: "kept",
  });

  it.skipIf(isolation() !== "namespaces")("sees its own processes alone, and an empty database", () => {
    const seen = look("inside", TELLING());
    const all = JSON.stringify([seen.ancestors, seen.others, seen.env]);
    expect(all).not.toContain("localize");
    for (const told of [ID, db, data, "sham", "BDEFECTS_DB"]) expect(all, told).not.toContain(told);
    expect(seen.files).toEqual([]);
    expect(seen.cwd).toBe(process.cwd());
    expect(seen.env).toMatchObject({ HARMLESS: "kept" });
    // The guard, which leads.
    expect(seen.ancestors).toHaveLength(1);
    expect(commandLinesWith("mark-inside")).toEqual([]);
    expect(existsSync(join(db, "results", "localize", "cmd-spy-inside"))).toBe(true);
  });

  it("where nothing else is allowed, does not see this program's command line or settings, nor outlives it", () => {
    const off = { BDEFECTS_ISOLATION: "off" };
    expect(isolation(off)).toBe("process group only: BDEFECTS_ISOLATION=off");
    const seen = look("outside", { ...TELLING(), ...off });
    const [guard, program] = seen.ancestors;
    const told = JSON.stringify([guard, program.cmdline, seen.env]);
    for (const word of [ID, db, data, "sham", "localize"]) expect(told, word).not.toContain(word);
    expect(seen.ancestors.length).toBeGreaterThan(1);
    expect(commandLinesWith("mark-outside")).toEqual([]);
  });

  it.each<Record<string, string>>([{}, { BDEFECTS_ISOLATION: "off" }])(
    "is not started inside the database, %o",
    (env) => {
      const inside = join(db, "results");
      mkdirSync(inside, { recursive: true });
      const seen = look(`cwd-${Object.keys(env).length}`, { ...TELLING(), ...env }, inside);
      expect(seen.cwd).toBe(seen.env.BDEFECTS_SUSPECT);
      expect(seen.env.PWD).toBe(seen.cwd);
      expect(JSON.stringify(seen.env)).not.toContain(db);
    },
  );

  it("that lies in the database's folder is run all the same", () => {
    const own = join(db, "own.mjs");
    writeFileSync(own, SPY);
    const command = `own=cmd:"${process.execPath}" own.mjs '${report()}' '${db}' mark-own`;
    const env = { BDEFECTS_DB: db, BDEFECTS_DATA: data };
    const ran = spawned(["localize", `${ID}:sham`, "--criterion", command], env, db);
    expect(ran.status, ran.stderr).toBe(0);
    expect(rowsOf(["score", ID, "--db", db, "--criterion", "cmd-own"])).toHaveLength(6);
  });
});
