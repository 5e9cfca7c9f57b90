import { describe, expect, it } from "vitest";
import { columnText } from "../../src/cli/cell-text.ts";
import { listingText } from "../../src/cli/listing.ts";
import { madeRepairListing } from "../../src/cli/result-listings.ts";
import { visible } from "../../src/core/visible.ts";
import { bdefects, rowsOf } from "./program.ts";

const FIELDS = ["id", "group", "asr", "status", "reason"];
const ROWS = [
  { id: "a-rather-long-identifier", group: "g", asr: 0.98765, status: "accepted", reason: null },
  { id: "b", group: "g", asr: 1, status: "rejected", reason: "a reason that goes on for quite some time, as they do" },
];

function lines(text: string): string[] {
  return text.trimEnd().split("\n");
}

function widest(text: string): number {
  return Math.max(...lines(text).map((line) => line.length));
}

describe("a listing", () => {
  it("shows every field where all fit, rounded and aligned", () => {
    const { table, note } = listingText(ROWS, FIELDS, {}, 200);
    expect(note).toBeNull();
    expect(lines(table)[0]).toBe("id                        group    asr  status    reason");
    expect(lines(table)[2]).toMatch(/^a-rather-long-identifier +g +0\.988 +accepted +-$/);
    expect(lines(table)[3]).toMatch(/^b +g +1\.000 +rejected +a reason .* as they do$/);
  });

  it.each([20, 24, 30, 40, 41, 50, 60, 79, 80, 100])(
    "keeps to %i columns, and says in one line what is missing",
    (width) => {
      const { table, note } = listingText(
        ROWS,
        FIELDS,
        { first: ["id", "asr", "status", "reason"], text: "reason" },
        width,
      );
      expect(widest(table)).toBeLessThanOrEqual(Math.max(width, ROWS[0].id.length));
      for (const { id } of ROWS) expect(table).toContain(id);
      expect(lines(table)).toHaveLength(4);
      expect(note).toMatch(/^[^\n]+: --long, or --fields a,b$/);
      const head = lines(table)[0].split(/\s+/);
      const counted = /(\d+) more field/.exec(note!)?.[1] ?? 0;
      expect(head.length + Number(counted)).toBe(FIELDS.length);
    },
  );

  it("prefers columns that differ, and says the others once", () => {
    const rows = [1, 2].map((n) => ({ id: `id-${n}`, status: "accepted-at-last", asr: n / 3 }));
    const { table, note } = listingText(rows, ["id", "status", "asr"], {}, 20);
    expect(lines(table)[0]).toMatch(/^id +asr$/);
    expect(note).toBe("in every row: status accepted-at-last: --long, or --fields a,b");
  });

  it("wraps free text between words where it must not be shortened", () => {
    const { table } = listingText(ROWS, ["id", "reason"], { text: "reason", wrapped: true }, 50);
    expect(widest(table)).toBeLessThanOrEqual(50);
    expect(table.replace(/\s+/g, " ")).toContain("a reason that goes on for quite some time, as they do");
  });

  it("never cuts the first column, nor counts what has no width", () => {
    const { table, note } = listingText([{ id: "漢字漢字漢字漢字漢字漢字", n: 1 }], ["id", "n"], {}, 26);
    expect(table).toContain("漢字漢字漢字漢字漢字漢字");
    expect(note).toMatch(/^1 more field \(n\)/);
  });
});

describe("rows of the same thing", () => {
  const rows = ["a", "b", "a"].map((n, i) => ({
    id: `an-identifier-of-some-length-${n}`,
    method: "prune",
    value: i / 4,
  }));
  const fields = ["id", "method", "value"];

  it("stand below its name where not all fits beside it", () => {
    const { table, note } = listingText(rows, fields, { first: fields, by: "id" }, 40);
    expect(lines(table).map((line) => line.trimEnd())).toEqual([
      ...["id", "  method  value", "  ──────  ─────"],
      ...["an-identifier-of-some-length-a", "  prune   0.000", "  prune   0.500"],
      ...["an-identifier-of-some-length-b", "  prune   0.250"],
    ]);
    expect(note).toBeNull();
  });

  it("are a table where it does", () => {
    expect(lines(listingText(rows, fields, { first: fields, by: "id" }, 80).table)).toHaveLength(5);
    const different = rows.slice(0, 2);
    expect(listingText(different, fields, { first: fields, by: "id" }, 40).note).toMatch(/more field|in every row/);
  });
});

describe("cells", () => {
  it.each([
    ["asr", [0, 1, 0.98765], ["0.000", "1.000", "0.988"]],
    ["delta_bytes", [0, 999, 59_244, 25_276_514_304], ["0 B", "999 B", "59.2 kB", "25.3 GB"]],
    ["seconds", [1952.097, 3.2], ["1952", "3"]],
    ["seconds", [12.34, 3.21], ["12.3", "3.2"]],
    ["seconds", [1.5, 0.004, 0], ["1.5", "<0.1", "0.0"]],
    ["seconds", [300, 0.2], ["300", "<1"]],
    ["raw", [1e-7, 0.5, 0], ["1e-7", "0.5", "0"]],
    ["raw", [12.3456, 0.5], ["12.35", "0.50"]],
    ["n", [1, 2000], ["1", "2000"]],
    ["what", [null, "", { a: [1] }, "x"], ["-", "-", '{"a":[1]}', "x"]],
  ])("of %s round %j", (field, values, texts) => {
    expect(values.map(columnText(field, values))).toEqual(texts);
  });

  it("of repairs that say which neurons they cut show how many at 80 columns", () => {
    const rates = { ca_before: 0.91, ca_after: 0.9, asr_before: 0.99, asr_after: 0.1, asrd: 0.89, cad: 0.01 };
    const rows = [12, 3].map((cut, i) => ({
      ...{ id: `cifar10-vgg13w8-badnets-small-top00${i}`, method: "cmd-mine", using: "none" },
      ...{ budget: "short", ...rates, seconds: 1, cut, version: "infected" as const },
    }));
    const { table } = listingText(rows, Object.keys(rows[0]), madeRepairListing(rows), 80);
    expect(table.split("\n")[0]).toMatch(/ asr_after {2}cut( |$)/);
    expect(table).toMatch(/ 12( |$)/m);
    const built = rows.map((row) => ({ ...row, cut: null }));
    expect(listingText(built, Object.keys(rows[0]), madeRepairListing(built), 80).table).not.toContain("cut");
  });

  it("do not steer the terminal", () => {
    expect(visible("a\u001b[31mb\nc\u202ed\u009b")).toBe("a\\x1b[31mb\\nc\\u202ed\\x9b");
  });
});

describe("the verbs that list", () => {
  const sample = ["--db", "sample"];
  const VERBS = [
    ["groups", ...sample],
    ["ids", ...sample],
    ["query", ...sample],
    ["query", ...sample, "--sql", "select * from defects"],
    ["query", ...sample, "--sql", "select * from clean"],
    ["data", "list"],
    ["build", "--dry-run", "--edition", "demo", "--rates", "sample"],
    ["env"],
  ];

  it.each(VERBS)("%s %s %s fits 80 columns and 60, piped or not", (...args) => {
    // A build is planned anew each time, which takes a while.
    for (const COLUMNS of args[0] === "build" ? ["60"] : ["", "60"]) {
      const { status, stdout, stderr } = bdefects(args, { COLUMNS });
      expect(status, stderr).toBe(0);
      expect(widest(stdout)).toBeLessThanOrEqual(Number(COLUMNS || 80));
    }
  });

  it("show all with --long, what is asked for with --fields, and machines everything", () => {
    const where = ["--where", "status = 'rejected'"];
    const short = bdefects(["query", ...sample, ...where]);
    expect(short.stderr).toMatch(/^in every row: status rejected; \d+ more fields: --long, or --fields a,b\n$/m);
    const fields = Object.keys(rowsOf(["query", ...sample, ...where])[0]);
    const long = bdefects(["query", ...sample, ...where, "--long"]);
    expect(new Set(lines(long.stdout)[0].split(/\s+/))).toEqual(new Set(fields));
    expect(long.stderr).toBe("");
    const chosen = bdefects(["ids", ...sample, ...where, "--fields", "reason,id"]);
    expect(lines(chosen.stdout)[0]).toMatch(/^reason +id$/);
    expect(lines(chosen.stdout)[2]).toMatch(/^\w+: .* +\S+-top\d+/);
    expect(Object.keys(rowsOf(["groups", ...sample, "--fields", "asr,group_id"])[0])).toEqual(["asr", "group_id"]);
    const csv = bdefects(["query", ...sample, "--format", "csv"], { COLUMNS: "40" });
    expect(lines(csv.stdout)[0]).toBe(fields.join(","));
    expect(csv.stderr).toBe("");
  });

  it("name the fields that there are where one is unknown", () => {
    const { status, stderr, stdout } = bdefects(["groups", ...sample, "--fields", "nope"]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(/^error: --fields: unknown field 'nope'; valid: group_id, [^\n]+\n$/);
  });
});
