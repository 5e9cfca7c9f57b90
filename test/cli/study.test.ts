import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { beforeAll, describe, expect, it } from "vitest";
import { Builder } from "../e2e/builder.ts";
import { treeOf } from "../e2e/files.ts";
import { writeTinyData } from "../e2e/tiny.ts";
import { idsOf, makeDatabase } from "../pipeline/database.ts";
import { longIt } from "../setup/long.ts";
import { temporaryFolder } from "../store/temp.ts";
import { bdefects, rowsOf } from "./program.ts";

const IDS = idsOf("cifar10");
const SCRIPT = join(import.meta.dirname, "plugin.mjs");

let data: string;
beforeAll(() => {
  data = writeTinyData(temporaryFolder());
});

interface Made {
  db: string;
  log: string;
  /** Arguments of the study. */
  args: string[];
}

/** A database and a study of it: criteria, a program that logs its calls, and a baseline. */
async function makeStudy(mode: string, criteria = "clp", more = ""): Promise<Made> {
  const db = await makeDatabase("cifar10", data);
  const folder = temporaryFolder();
  const log = join(folder, "log");
  const recipe = join(folder, "mine.yaml");
  writeFileSync(
    recipe,
    `study: mine
seed: 1
select: {}
versions: [infected, sham]
criteria: [${criteria}, "own=cmd:node ${SCRIPT} ${mode} ${log}"]
baselines: [random]
repairs:
  - { method: [prune], using: [criteria, "clp:topk", oracle, random] }
${more}`,
  );
  return { db, log, args: ["study", recipe, "--db", db, "--data", data] };
}

/** Per defect 3 criteria on 2 versions, and the repairs by 2 criteria and 3 others. */
const CELLS = IDS.length * (3 * 2 + 5);

const callsIn = (log: string) => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n").length : 0);

function resultsIn(db: string): Record<string, string> {
  const root = join(db, "results");
  const files = ["localize", "repair"].flatMap((part) =>
    existsSync(join(root, part))
      ? readdirSync(join(root, part), { recursive: true, encoding: "utf8" }).map((f) => join(part, f))
      : [],
  );
  return Object.fromEntries(
    files.filter((file) => file.endsWith(".json")).map((file) => [file, readFileSync(join(root, file), "utf8")]),
  );
}

async function rowsOfParquet(sql: string): Promise<unknown[]> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const rows = await (await connection.run(sql)).getRowObjectsJson();
  connection.closeSync();
  instance.closeSync();
  return rows;
}

const findingsOn = (db: string) =>
  (JSON.parse(bdefects(["verify", "--all", "--db", db, "--format", "json"]).stdout) as Record<string, string>[]).filter(
    ({ file }) => file.startsWith("results"),
  );

describe("study", () => {
  longIt("localizes, repairs and scores; its tables are the verbs' own numbers, and are vouched for", async () => {
    const { db, log, args } = await makeStudy("plain", "fp, clp", "  - { method: [finetune], using: [oracle] }\n");
    const cells = CELLS + 2 * (2 + 1 + 1);
    expect(bdefects([...args, "--dry-run"]).stderr).toContain("no estimate: no cell of these has finished yet\n");
    const before = rowsOf([...args, "--dry-run"]);
    expect(before.map(({ step, name, cells, to_do }) => [step, name, cells, to_do])).toEqual([
      ["localize", "fp", 4, 4],
      ["localize", "clp", 4, 4],
      ["localize", "cmd-own", 4, 4],
      ["localize", "random", 4, 4],
      ["repair", "prune", 12, 12],
      ["repair", "finetune", 2, 2],
    ]);
    expect(existsSync(join(db, "results", "localize"))).toBe(false);

    const { status, stdout, stderr } = bdefects([...args, "--jobs", "2", "--format", "json"]);
    expect(status, stderr).toBe(0);
    expect(stderr).toContain(`${cells} cells, of which 0 are finished; 2 job(s)\n`);
    expect(Object.keys(resultsIn(db))).toHaveLength(cells);
    expect(callsIn(log)).toBe(4);

    const summary = rowsOf(["score", "--db", db, "--summary"]);
    const sorted = (rows: object[]) => rows.map((row) => JSON.stringify(row)).sort();
    expect(sorted(JSON.parse(stdout))).toEqual(sorted(summary));
    const scores = rowsOf(["score", "--db", db]);
    const table = join(db, "results", "mine.scores.parquet");
    expect(sorted((await rowsOfParquet(`select * from '${table}'`)) as object[])).toEqual(sorted(scores));
    const repairs = await rowsOfParquet(`select * from '${join(db, "results", "mine.repairs.parquet")}'`);
    expect(sorted(repairs as object[])).toEqual(sorted(rowsOf(["score", "--repairs", "--db", db])));

    expect(findingsOn(db)).toEqual([]);
    rmSync(join(db, "results", "localize", "fp", `${IDS[0]}.sham.json`));
    const after = bdefects([...args, "--dry-run", "--format", "json"]);
    expect(after.stderr).toMatch(/^2 defects, 30 cells: 29 done, 1 to do\nestimate: \d+ s with 1 job\(s\)/);
    const [estimate] = JSON.parse(after.stdout);
    expect(estimate).toMatchObject({ name: "fp", cells: 4, done: 3, to_do: 1 });
    expect(estimate.hours_estimate).toBeGreaterThan(0);

    // Written again: the same tables replace themselves, nothing is judged again but what was missing.
    const bytes = readFileSync(table);
    expect(bdefects(args).status).toBe(0);
    expect(callsIn(log)).toBe(4);
    writeFileSync(table, bytes.subarray(0, -1));
    expect(findingsOn(db)).toMatchObject([{ severity: "fault", file: "results/mine.scores.parquet" }]);
    // As a kill between tables and record leaves it.
    rmSync(join(db, "results", "study", "mine.json"));
    expect(new Set(findingsOn(db).map(({ severity }) => severity))).toEqual(new Set(["note"]));
  });

  longIt("goes on after kill -9 with what is not finished, and gives what an undisturbed one gives", async () => {
    const { db, log, args } = await makeStudy("slow");
    const builder = new Builder([...args, "--jobs", "1"]);
    expect(await builder.until(() => callsIn(log) === 3)).toBe(true);
    builder.killGroup();
    await builder.ended;
    const finished = resultsIn(db);
    const count = Object.keys(finished).length;
    expect(count).toBeGreaterThan(3);
    expect(count).toBeLessThan(CELLS);
    const own = Object.keys(finished).filter((file) => file.startsWith(join("localize", "cmd-own"))).length;
    expect(own).toBe(2);

    const { status, stderr } = bdefects([...args, "--jobs", "2"]);
    expect(status, stderr).toBe(0);
    expect(stderr).toContain(`${CELLS} cells, of which ${count} are finished`);
    const all = resultsIn(db);
    expect(Object.keys(all)).toHaveLength(CELLS);
    // To the byte: with the seconds that they took then.
    expect(all).toMatchObject(finished);
    // The one that was under way was tried twice, no other.
    expect(callsIn(log)).toBe(4 + 1);
    expect(findingsOn(db)).toEqual([]);
  });

  longIt("puts everything into a folder of its own where that is asked for", async () => {
    const { db, args } = await makeStudy("plain");
    const out = join(temporaryFolder(), "mine");
    const before = treeOf(db);
    const { status, stderr } = bdefects([...args, "--out", out]);
    expect(status, stderr).toBe(0);
    // But for the derived catalog.
    const changed = Object.entries(treeOf(db)).filter(([file, hash]) => before[file] !== hash);
    expect(changed.map(([file]) => file).filter((file) => !file.startsWith("catalog"))).toEqual([]);
    expect(readdirSync(out).filter((name) => !name.startsWith("."))).toEqual([
      "localize",
      "mine.repairs.parquet",
      "mine.scores.parquet",
      "repair",
      "study",
    ]);
    expect(rowsOf(["score", "--db", db, "--results", out]).length).toBe(2 * 3 * 2 * 6);
    expect(bdefects([...args, "--out", out, "--dry-run"]).stderr).toContain(`${CELLS} done, 0 to do`);
  });

  longIt("loses a failing cell and what hangs on it, and nothing else", async () => {
    const { db, args } = await makeStudy("crashes", "clp", "plugin_timeout: 20\n");
    const { status, stderr } = bdefects([...args, "--jobs", "1"]);
    expect(status).toBe(1);
    // Of each defect two predictions, and the repair by them. In the catalog's order, the large one comes first.
    const failed = (stderr.split("failures:\n")[1].match(/^ {2}.*$/gm) ?? []) as string[];
    expect(failed).toHaveLength(2 * 3);
    // The versions of a defect come in an order that tells a program nothing.
    const lines = ["infected", "sham"].map(
      (version) => `  ${IDS[1]}:${version} cmd-own: it ended with status 3: TypeError: cannot add a cat to a dog`,
    );
    expect(failed.slice(0, 2).sort()).toEqual(lines);
    expect(failed[2]).toContain(`${IDS[1]} prune cmd-own: no prediction of 'cmd-own'`);
    expect(stderr).toMatch(/\nerror: 6 of 22 cells are not finished; the same command tries them again\n$/);
    expect(Object.keys(resultsIn(db))).toHaveLength(CELLS - 6);
    const record = JSON.parse(readFileSync(join(db, "results", "study", "mine.json"), "utf8"));
    expect(record.failures).toHaveLength(6);
    expect(findingsOn(db)).toEqual([]);
  });

  it("says what is wrong with recipe, data and selection before it begins", async () => {
    const { db, args } = await makeStudy("plain");
    const text = readFileSync(args[1], "utf8");
    const faultOf = (change: (text: string) => string, ...more: string[]) => {
      const path = join(temporaryFolder(), "bad.yaml");
      writeFileSync(path, change(text));
      const { status, stderr } = bdefects(["study", path, "--db", db, "--data", data, ...more]);
      expect(status).toBe(2);
      return stderr.replace(path, "bad.yaml");
    };
    expect(faultOf((t) => t.replace("clp,", "magic,"))).toMatch(
      /^error: bad\.yaml: unknown criterion 'magic'; valid: fp, nc/,
    );
    expect(faultOf((t) => t.replace("[prune]", "[retrain]"))).toContain(
      "unknown repair 'retrain'; valid: prune, finetune",
    );
    expect(faultOf((t) => t.replace("oracle", "bnp"))).toContain("'bnp': the study does not run this criterion");
    expect(faultOf((t) => t.replace("seed: 1", "sed: 1"))).toMatch(/^error: bad\.yaml: (seed|recipe): /);
    expect(faultOf((t) => t.replace("[infected, sham]", "[poisoned]"))).toContain("bad.yaml: versions.0: ");
    expect(faultOf((t) => t.replace("[infected, sham]", "[sham]"))).toContain("repairs need the infected one");
    const ofClean = (t: string) => t.replace("oracle, random] }", "oracle], versions: [infected, clean] }");
    expect(faultOf(ofClean)).toContain("repairs: versions: the study does not judge 'clean'; name it in versions");
    expect(faultOf((t) => ofClean(t).replace("infected, clean", "drift"))).toContain("repairs.0.versions.0: ");
    expect(faultOf((t) => t.replace("select: {}", "select: { names: [nobody] }"))).toContain(
      "no defect or group 'nobody'",
    );
    expect(bdefects(["study", "nope"]).stderr).toMatch(
      /^error: unknown study 'nope'; valid: study, study-fresh, study-full, study-lanes, study-lanes-all, study-levels, study-text, study-whole, study-whole-all, or the path/,
    );
    const other = temporaryFolder();
    const noData = bdefects([...args.slice(0, -1), other]);
    expect(noData.status).toBe(2);
    expect(noData.stderr.trimEnd().split("\n").at(-1)).toContain(other);
    expect(existsSync(join(db, "results", "localize"))).toBe(false);
  });
});
