import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { ownIdentity } from "../../src/files/process-identity.ts";
import { checksummedJson } from "../../src/store/disk/json.ts";
import { Layout } from "../../src/store/layout.ts";
import { sha256Of } from "../../src/store/objects/objects.ts";
import { exportDefects } from "../../src/store/transfer/export.ts";
import { bdefects, rowsOf } from "../cli/program.ts";
import { sampleDatabase } from "../store/fixture.ts";
import { temporaryFolder } from "../store/temp.ts";

let template: string;
let exported: string;
let ids: string[];
let acceptedId: string;
beforeAll(async () => {
  const root = temporaryFolder();
  template = join(root, "db");
  const { db, accepted } = await sampleDatabase(template, 2);
  acceptedId = accepted[0].id;
  ids = db.listDefects();
  exported = join(root, "export");
  await exportDefects(db, { ids, out: exported, results: false });
});

function copyOfDatabase(): string {
  const dir = join(temporaryFolder(), "db");
  cpSync(template, dir, { recursive: true });
  return dir;
}

/** A record with its checksum redone. */
function rewritten(path: string, change: (value: Record<string, unknown>) => void): string {
  const { checksum: _, ...value } = JSON.parse(readFileSync(path, "utf8"));
  change(value);
  return checksummedJson(value);
}

/** A record's text in which a value that `JSON.stringify` cannot write stands for the mark. */
function spliced(path: string, text: string): string {
  const whole = rewritten(path, (value) => (value.recipe = "MARK"));
  const parsed = whole.replace('"MARK"', text);
  // The checksum is of the bytes: done anew by the same rule.
  const { checksum: _, ...rest } = JSON.parse(whole);
  return checksummedJson({ ...rest, recipe: "MARK" }) === whole ? redone(parsed) : parsed;
}

function redone(text: string): string {
  const at = text.lastIndexOf('"checksum": "') + '"checksum": "'.length;
  const blank = `${text.slice(0, at)}${"0".repeat(64)}${text.slice(at + 64)}`;
  return `${text.slice(0, at)}${sha256Of(blank)}${text.slice(at + 64)}`;
}

const DAMAGES: [string, (path: string) => void][] = [
  ["nested without end", (path) => writeFileSync(path, spliced(path, `${"[".repeat(20_000)}${"]".repeat(20_000)}`))],
  ["a field __proto__", (path) => writeFileSync(path, spliced(path, '{"__proto__": {"x": 1}, "constructor": null}'))],
  [
    "a number beyond all",
    (path) => writeFileSync(path, rewritten(path, () => undefined).replace(/"seconds": [\d.]+/, '"seconds": 1e999')),
  ],
  ["a byte order mark", (path) => writeFileSync(path, `\ufeff${readFileSync(path, "utf8")}`)],
  ["noise", (path) => writeFileSync(path, Buffer.from(Array.from({ length: 999 }, (_, i) => (i * 7919) & 255)))],
  ["a folder", (path) => [rmSync(path), mkdirSync(path), writeFileSync(join(path, "x"), "")]],
  ["a link that leads nowhere", (path) => [rmSync(path), symlinkSync("/nowhere/at/all", path)]],
  [
    "another type",
    (path) =>
      writeFileSync(
        path,
        rewritten(path, (value) => (value.metrics = "none")),
      ),
  ],
  ["nothing", (path) => writeFileSync(path, "")],
];

describe("a damaged record", () => {
  it.each([0, 1, 2])("costs itself only in every listing, which names it (part %i)", (part) => {
    const db = copyOfDatabase();
    const layout = new Layout(db);
    const damaged = ids.slice(0, 3).map((id) => layout.defect(id));
    for (const [i, [, damage]] of DAMAGES.slice(3 * part, 3 * part + 3).entries()) damage(damaged[i]);
    const sound = ids.slice(3);
    const verbs = [
      ["ids"],
      ["groups"],
      ["query", "--where", "true"],
      ["info"],
      ["query", "--sql", "select id from defects"],
      ["score"],
    ];
    for (const args of verbs) {
      const { status, stdout, stderr } = bdefects([...args, "--db", db, "--format", "json"]);
      expect([args, status, stderr]).toEqual([args, 0, expect.any(String)]);
      for (const path of damaged) expect(stderr).toContain(`warning: left out: ${path}: `);
      expect(stderr).not.toMatch(/\n\s+at |TypeError|RangeError|stack/);
      if (args[0] === "ids") expect(JSON.parse(stdout).map(({ id }: { id: string }) => id)).toEqual(sound);
    }
    const { status, stdout, stderr } = bdefects(["verify", "--all", "--db", db, "--format", "json"]);
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^error: \d+ faults in [^\n]+\n$/)]);
    const faults = (JSON.parse(stdout) as { severity: string; file: string }[]).filter(
      ({ severity }) => severity === "fault",
    );
    for (const path of damaged) expect(faults.map(({ file }) => join(db, file))).toContain(path);
    // Whoever exports wants all of it.
    expect(bdefects(["export", "--db", db, "--out", join(db, "..", "out")]).status).toBe(2);
  });
});

describe("odd files among the claims", () => {
  it("hold nobody up, unless they claim to be from the future: then the file to remove is named", () => {
    const db = copyOfDatabase();
    const claims = join(db, "claims");
    mkdirSync(claims, { recursive: true });
    const past = Date.now() / 1000 - 1e6;
    const future = Date.now() / 1000 + 1e6;
    mkdirSync(join(claims, "import.0"));
    writeFileSync(join(claims, "manifest.3"), Buffer.alloc(1 << 20, 0xff));
    writeFileSync(join(claims, `${ids[0]}.2`), "null");
    writeFileSync(join(claims, `${ids[1]}.99999999999999999999`), "{}");
    symlinkSync("/etc/hostname", join(claims, `${ids[2]}.0`));
    writeFileSync(join(claims, `${ids[3]}.1`), '{"host": 1, "pid": -1, "__proto__": {"released": true}}');
    utimesSync(join(claims, `${ids[3]}.1`), future, future);
    writeFileSync(join(claims, "\u001b[31m.0"), "[]");
    utimesSync(join(claims, "import.0"), past, past);
    expect(rowsOf(["import", exported, "--db", db])).toMatchObject([{ added: 0 }]);
    expect(bdefects(["verify", "--all", "--prune", "--db", db]).stderr).toMatch(/removed 0 files/);
    expect(readdirSync(claims)).toContain("import.0");

    const held = join(claims, "import.7");
    writeFileSync(held, JSON.stringify({ ...ownIdentity(), host: "another machine", token: "x", released: false }));
    const { status, stderr } = bdefects(["import", exported, "--db", db]);
    expect([status, stderr]).toEqual([
      2,
      expect.stringContaining(
        `another import is under way (held by process ${process.pid} on another; if that has ended, remove ${held})`,
      ),
    ]);
    utimesSync(held, future, future);
    const later = bdefects(["import", exported, "--db", db]);
    expect([later.status, later.stderr]).toEqual([
      2,
      expect.stringMatching(/import\.7: a claim of \S+, which is in the future; .*remove the file\n$/),
    ]);
    rmSync(held);
    expect(bdefects(["import", exported, "--db", db]).status).toBe(0);
  });
});

describe("names that steer", () => {
  it("reach no terminal: not in a message, a table or JSON", () => {
    const evil = join(temporaryFolder(), "\u001b]0;owned\u0007\u202e\u009b31m");
    for (const args of [
      ["ids", "--db", evil],
      ["import", evil, "--db", evil],
      ["verify", "--db", evil],
      ["build", "--edition", `${evil}.yaml`],
    ]) {
      const { status, stdout, stderr } = bdefects(args);
      expect([status, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(/^error: [^\n]*\\x1b\]0;owned\\x07\\u202e\\x9b31m[^\n]*\n$/);
    }
  });

  it("of a reason are text in a card, a formula in no spreadsheet", () => {
    const db = copyOfDatabase();
    const reason = '=HYPERLINK("http://x") | `x` [a](javascript:b) <img src=x>\u001b[2J';
    expect(bdefects(["deprecate", acceptedId, "--reason", reason, "--db", db]).status).toBe(0);
    const csv = bdefects(["ids", "--db", db, "--format", "csv"]).stdout;
    expect(csv).toContain("'=HYPERLINK");
    const out = join(db, "..", "cards");
    expect(bdefects(["datasheet", "--out", out, "--db", db]).status).toBe(0);
    const sheet = readFileSync(join(out, "DATASHEET.md"), "utf8");
    expect(sheet).toContain("=HYPERLINK");
    expect(sheet).not.toMatch(/<img|(?<!\\)\[a|http:\/\/x/);
    expect(sheet).not.toContain("\u001b");
    const tables = join(db, "..", "tables");
    expect(bdefects(["export", "--tables", "csv", "--out", tables, "--db", db]).status).toBe(0);
    expect(readFileSync(join(tables, "defects.csv"), "utf8")).toContain("'=HYPERLINK");
    for (const text of [csv, bdefects(["ids", "--db", db]).stdout, bdefects(["info", acceptedId, "--db", db]).stdout]) {
      expect(text).not.toContain("\u001b");
    }
  });
});

describe("a hostile recipe", () => {
  it.each([
    ["nested without end", "[".repeat(20_000), /nested deeper than any recipe/],
    ["nested without end as JSON", `${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`, /nested deeper/],
    ["lists in lists", "- ".repeat(5000), /nested deeper/],
    ["a prototype", "__proto__:\n  edition: x\nconstructor: 1\n", /recipe\.yaml: edition: /],
    ["too large", "x: ".padEnd(2 << 20, "x"), /recipe\.yaml: has 2097152 bytes/],
  ])("%s ends in one line", (_, text, message) => {
    const dir = temporaryFolder();
    const path = join(dir, "recipe.yaml");
    writeFileSync(path, text);
    const { status, stdout, stderr } = bdefects(["build", "--edition", path, "--db", join(dir, "db")]);
    expect([status, stdout, stderr]).toEqual([2, "", expect.stringMatching(/^error: [^\n]+\n$/)]);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/call stack/);
  });
});
