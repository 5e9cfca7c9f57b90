import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { beforeAll, describe, expect, it } from "vitest";
import { DEFECT_FIELD_NAMES } from "../../src/records/defect-row.ts";
import { openDatabase } from "../../src/store/database.ts";
import { sampleDatabase } from "../store/fixture.ts";
import { temporaryFolder } from "../store/temp.ts";
import { bdefects, rowsOf } from "./program.ts";

const dir = temporaryFolder();
const SMALL = "signs-resnet18w4-badnets-small-top000";
const DUPLICATE = "signs-resnet18w4-badnets-narrow-top005";
const IDS = [
  "signs-resnet18w4-badnets-large-top040",
  "signs-resnet18w4-badnets-middle-top000",
  "signs-resnet18w4-badnets-middle-top020",
  DUPLICATE,
  SMALL,
  "signs-resnet18w4-badnets-small-top020",
];
beforeAll(() => sampleDatabase(dir, 4));

describe("ids, groups, info", () => {
  it("list every status, and write no file", () => {
    const before = readdirSync(dir);
    const rows = rowsOf(["ids", "--db", dir]);
    expect(rows.map(({ id }) => id)).toEqual(IDS);
    expect(rows[3]).toEqual({
      id: DUPLICATE,
      group_id: "signs-resnet18w4-badnets",
      status: "duplicate",
      reason: "duplicate: the same neurons as 'signs-resnet18w4-badnets-narrow-top000'",
    });
    expect(rowsOf(["groups", "--db", dir])).toEqual([
      {
        group_id: "signs-resnet18w4-badnets",
        dataset: "signs",
        arch: "resnet18w4",
        attack: "badnets",
        candidates: 6,
        accepted: 4,
        rejected: 1,
        duplicate: 1,
        deprecated: 0,
        ca: expect.closeTo(0.88),
        asr: expect.closeTo(0.99),
        seconds: 21,
        foreign: 0,
      },
    ]);
    expect(readdirSync(dir)).toEqual(before);
  });

  it("describe a defect, a clean model and the database", () => {
    const [defect] = rowsOf(["info", SMALL, "--db", dir]);
    expect(Object.keys(defect).slice(0, DEFECT_FIELD_NAMES.length)).toEqual(DEFECT_FIELD_NAMES);
    expect(defect).toMatchObject({ id: SMALL, top: 0, asr: 0.99, effective: 1, status: "accepted", reason: null });
    expect(rowsOf(["info", "clean/signs-resnet18w4-s1", "--db", dir])[0]).toMatchObject({ ca: 0.9, classes: 10 });
    expect(rowsOf(["info", "--db", dir])[0]).toMatchObject({ edition: "demo", candidates: 6, accepted: 4, clean: 1 });
    expect(bdefects(["info", SMALL, "--long", "--db", dir]).stdout).toMatch(/asr +0\.99$/m);
  });

  it("print tables for people, with rates to three decimals, and CSV for machines", () => {
    const table = bdefects(["groups", "--db", dir]).stdout;
    expect(table).toMatch(/ 0\.990 /);
    expect(table).not.toContain("\u001b");
    const csv = bdefects(["ids", "--db", dir, "--format", "csv"]).stdout;
    expect(parse(csv, { columns: true })).toHaveLength(6);
  });
});

describe("query", () => {
  it("gives all fields in the published order, unknown as null", () => {
    const rows = rowsOf(["query", "--db", dir]);
    expect(rows.map(({ id }) => id)).toEqual(IDS);
    for (const row of rows) expect(Object.keys(row)).toEqual(DEFECT_FIELD_NAMES);
    expect(rows[0]).toMatchObject({
      status: "rejected",
      asr: 0.412,
      asr_sham: null,
      effective: null,
      delta_bytes: null,
    });
    expect(rows[4].delta_bytes).toBeGreaterThan(0);
  });

  it("filters, picks fields and counts with plain numbers", () => {
    expect(rowsOf(["query", "--db", dir, "--where", "level='small' and top = 0", "--fields", "asr,id"])).toEqual([
      { asr: 0.99, id: SMALL },
    ]);
    expect(
      rowsOf([
        "query",
        "--db",
        dir,
        "--sql",
        "select status, count(*) n, sum(neurons) s from defects group by 1 order by 1",
      ]),
    ).toEqual([
      { status: "accepted", n: 4, s: 1200 },
      { status: "duplicate", n: 1, s: 300 },
      { status: "rejected", n: 1, s: 300 },
    ]);
    expect(rowsOf(["ids", "--db", dir, "--where", "status <> 'accepted' -- comment"])).toHaveLength(2);
    expect(rowsOf(["query", "--db", dir, "--where", "false"])).toEqual([]);
  });

  it.each([
    ["--sql", "drop table defects", /only SELECT/],
    ["--sql", "select 1; drop table defects", /one SELECT/],
    ["--sql", "select * from read_text('/etc/hostname')", /disabled by configuration/],
    ["--sql", "selct 1", /syntax error/],
    ["--sql", " ", /empty/],
    ["--sql", "--", /--sql: /],
    ["--where", "nope = 1", /nope/],
    ["--where", "true) ; drop table defects --", /--where: /],
    ["--fields", "id,nope", /unknown field 'nope'; valid: id, group_id/],
    ["--fields", "id,", /separated by commas/],
  ])("answers %s %s with one line and 2", (option, text, message) => {
    const { status, stdout, stderr } = bdefects(["query", "--db", dir, option, text]);
    expect(stderr).toMatch(/^error: [^\n]+\n$/);
    expect(stderr).toMatch(message);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  });

  it("sees a new record at once, and needs no catalog to begin with", async () => {
    const own = temporaryFolder();
    const { db, accepted } = await sampleDatabase(own, 1);
    const count = () =>
      rowsOf(["query", "--db", own, "--sql", "select count(*) n, sum((status='deprecated')::int) d from defects"])[0];
    expect(count()).toEqual({ n: 3, d: 0 });
    expect(existsSync(join(own, "catalog.duckdb"))).toBe(true);
    db.writeDefect({ ...accepted[0], status: "deprecated", reason: "trigger was wrong" });
    expect(count()).toEqual({ n: 3, d: 1 });
    rmSync(join(own, "catalog.duckdb"));
    expect(count()).toEqual({ n: 3, d: 1 });
    writeFileSync(join(own, "catalog.duckdb"), "garbage");
    expect(count()).toEqual({ n: 3, d: 1 });
    expect(rowsOf(["reindex", "--db", own])).toEqual([{ defects: 3, clean: 1 }]);
    expect(readdirSync(join(own, "tmp"))).toEqual([]);
  });

  it("works where the catalog cannot be written", async () => {
    const own = temporaryFolder();
    await sampleDatabase(own, 1);
    // A file in the way of the folder stands in for a read-only medium, also for root.
    rmSync(join(own, "tmp"), { recursive: true });
    writeFileSync(join(own, "tmp"), "");
    expect(rowsOf(["query", "--db", own, "--fields", "id"])).toHaveLength(3);
    const { status, stderr } = bdefects(["query", "--db", own, "--sql", "select * from read_text('/etc/hostname')"]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/disabled by configuration/);
    expect(bdefects(["reindex", "--db", own]).status).toBe(2);
  });

  it("names a damaged record", async () => {
    const own = temporaryFolder();
    const { accepted } = await sampleDatabase(own, 1);
    const path = (await openDatabase(own)).layout.defect(accepted[0].id);
    writeFileSync(path, readFileSync(path, "utf8").replace("0.99", "0.98"));
    // Listings leave it out; what is asked of it alone, or of all, ends.
    const calls: [string[], number, string][] = [
      [["ids"], 0, "warning: left out"],
      [["query"], 0, "warning: left out"],
      [["info", accepted[0].id], 2, "error"],
      [["reindex"], 2, "error"],
    ];
    for (const [args, expected, word] of calls) {
      const { status, stderr } = bdefects([...args, "--db", own]);
      expect(status).toBe(expected);
      expect(stderr).toMatch(new RegExp(`^${word}: \\S+small-top000\\.json: damaged: `));
    }
  });
});

describe("env", () => {
  it("states versions and the machine", () => {
    expect(rowsOf(["env"])[0]).toMatchObject({
      bdefects4nn: "0.1.0",
      node: process.versions.node,
      "onnxruntime-node": "1.30.0",
      cores: expect.any(Number),
    });
  });
});
