import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../store/temp.ts";
import { bdefects, rowsOf } from "./program.ts";

const GROUPS = ["gtsrb-vgg13w8-badnets", "gtsrb-vgg13w8-blended"];
const results = join(temporaryFolder(), "results");
const score = ["score", ...GROUPS, "--summary", "--db", "sample", "--results", results];

beforeAll(() => {
  const ran = bdefects(["localize", ...GROUPS, "--db", "sample", "--criterion", "clp,weight-norm", "--out", results]);
  expect(ran.status, ran.stderr).toBe(0);
  for (const line of ran.stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
});

describe("score --summary", () => {
  it("is one short table: the same ranks, numbers and intervals as the flat rows", () => {
    const rows = rowsOf(score);
    const { status, stdout, stderr } = bdefects(score);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const lines = stdout.split("\n");
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
    expect(lines[0]).toMatch(/^Access clean, budget short: \d+ defects of 1 clean models?$/);
    const signed = (value: unknown) => `${(value as number) < 0 ? "-" : "+"}${Math.abs(value as number).toFixed(3)}`;
    const printed = lines.slice(3, 3 + rows.length);
    for (const [i, row] of rows.entries()) {
      const interval =
        row.difference_low === null ? "" : ` [${signed(row.difference_low)}, ${signed(row.difference_high)}]`;
      expect(printed[i].trim().replace(/ {2,}/g, "|")).toBe(
        [
          row.rank ?? "-",
          row.criterion,
          signed(row.difference) + interval,
          ...[row.infected, row.sham].map((value) => (value as number).toFixed(3)),
          row.defects,
        ].join("|"),
      );
    }
    expect(rows.map(({ rank }) => rank).filter((rank) => rank !== null)).toEqual([1]);
  });

  it("shows every field on request", () => {
    expect(bdefects([...score, "--long"]).stdout).toMatch(/^rank .*difference_low .*clean_models/);
    expect(bdefects([...score, "--fields", "criterion,rank"]).stdout).toMatch(/^criterion +rank$/m);
  });

  it("says what to run where there is nothing", () => {
    expect(bdefects(["score", "--summary", "--db", "sample"])).toMatchObject({ status: 0, stdout: "" });
  });
});

describe("score", () => {
  it("names a defect once above its rows", () => {
    const { stdout } = bdefects(["score", ...GROUPS, "--db", "sample", "--results", results]);
    const ids = [...new Set(rowsOf(["score", ...GROUPS, "--db", "sample", "--results", results]).map(({ id }) => id))];
    expect(stdout.split("\n").filter((line) => /^\S+-top\d+/.test(line))).toEqual(ids);
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  it.each([["score", ...GROUPS], ["score", "--repairs", ...GROUPS], ["query", "--sql", "select 1"], ["report"]])(
    "%s refuses a folder of results that is none",
    (...verb) => {
      const out = verb[0] === "report" ? ["--out", join(temporaryFolder(), "report")] : [];
      const { status, stdout, stderr } = bdefects([...verb, "--db", "sample", "--results", "nowhere", ...out]);
      expect([status, stdout, stderr]).toEqual([
        2,
        "",
        "error: --results nowhere: no such folder; 'localize' and 'repair' make one with --out\n",
      ]);
    },
  );
});
