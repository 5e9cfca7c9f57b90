import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { makePlan } from "../../src/pipeline/plan/plan.ts";
import { loadEdition } from "../../src/pipeline/recipe/recipe.ts";
import { sha256Of } from "../../src/store/objects/objects.ts";
import { archivesOf } from "../../src/store/shipped/shipped.ts";
import { bdefects, rowsOf } from "../cli/program.ts";
import { LONG } from "../setup/long.ts";
import { temporaryFolder } from "../store/temp.ts";
import { factsOf } from "./files.ts";
import { writeRecipe, writeTinyData } from "./tiny.ts";

const root = temporaryFolder();
const [data, db, archives] = ["data", "db", "archives"].map((name) => join(root, name));
const PAIRS = ["cifar10-resnet18w4", "cifar10-vgg13w4"];
const whole = ["--db", "whole"];
const OFFSETS = LONG ? [0, 20] : [0];
const ID = `${PAIRS[1]}-badnets-narrow-top000`;

/** The archives of a folder, with a cache of their own. */
function use(dir: string, cache = join(temporaryFolder(), "cache")): string {
  Object.assign(process.env, { BDEFECTS_WHOLE: dir, XDG_CACHE_HOME: cache, LOCALAPPDATA: cache, HOME: cache });
  return cache;
}

/** A copy of the archives, to be damaged. */
function copied(): string {
  const dir = join(temporaryFolder(), "archives");
  cpSync(archives, dir, { recursive: true });
  return dir;
}

/** The sums as the files are now, whatever these hold. */
function stateSums(dir: string): void {
  const names = readdirSync(dir).filter((name) => name.endsWith(".gz"));
  const lines = names.sort().map((name) => `${sha256Of(readFileSync(join(dir, name)))}  ${name}\n`);
  writeFileSync(join(dir, "SHA256SUMS"), lines.join(""));
}

/** What lies in a cache, staging folders too. */
const held = (cache: string) => (existsSync(cache) ? readdirSync(cache, { recursive: true }) : []);

beforeAll(() => {
  mkdirSync(data);
  writeTinyData(data);
  const recipe = writeRecipe(root, (text) =>
    text
      .replace("edition: tiny", "edition: whole")
      .replace("arch: [resnet18w4]", "arch: [resnet18w4, vgg13w4]")
      .replace("epochs: 3", "epochs: 1"),
  );
  const slice = ["--level", "narrow", "--offset", OFFSETS.join(","), "--jobs", "2"];
  const built = bdefects(["build", "--edition", recipe, "--db", db, "--data", data, ...slice]);
  if (built.status !== 0) throw new Error(built.stderr);
  rowsOf(["export", "--archives", "--out", archives, "--db", db]);
});

describe("export --archives", () => {
  it("writes one for each data set and architecture, with their hashes, and nothing else", () => {
    expect(readdirSync(archives).sort()).toEqual(["SHA256SUMS", ...PAIRS.map((pair) => `${pair}.tar.gz`)]);
    const stated = readFileSync(join(archives, "SHA256SUMS"), "utf8");
    const copy = copied();
    stateSums(copy);
    expect(stated).toBe(readFileSync(join(copy, "SHA256SUMS"), "utf8"));
  });

  it("gives the same bytes again, and touches nothing then", () => {
    const before = factsOf(archives);
    const rows = rowsOf(["export", "--archives", "--out", archives, "--db", db]);
    expect(rows.map(({ status }) => status)).toEqual(["same", "same"]);
    expect(rows.map(({ defects }) => defects)).toEqual(PAIRS.map(() => OFFSETS.length));
    expect(factsOf(archives)).toEqual(before);
    const other = join(temporaryFolder(), "other");
    rowsOf(["export", "--archives", "--out", other, "--db", db]);
    expect(Object.values(factsOf(other))).toEqual(Object.values(before));
  });

  it("replaces the archives that its selection touches, each with all that belongs into it, and leaves the others", () => {
    const dir = copied();
    const pair = PAIRS.find((name) => ID.startsWith(`${name}-`))!;
    for (const name of PAIRS) writeFileSync(join(dir, `${name}.tar.gz`), "another");
    const [row, ...rest] = rowsOf(["export", ID, "--archives", "--out", dir, "--db", db]);
    expect(rest).toEqual([]);
    expect(row).toMatchObject({ status: "replaced", defects: OFFSETS.length });
    for (const name of PAIRS) {
      const [now, before] = [dir, archives].map((folder) => readFileSync(join(folder, `${name}.tar.gz`)));
      expect(now).toEqual(name === pair ? before : Buffer.from("another"));
    }
    expect(readFileSync(join(dir, "SHA256SUMS"), "utf8")).toBe(readFileSync(join(archives, "SHA256SUMS"), "utf8"));
  });

  it("goes with no other kind of export", () => {
    const { status, stderr } = bdefects(["export", "--archives", "--results", "--out", join(root, "x"), "--db", db]);
    expect([status, stderr]).toEqual([2, "error: --archives: leave out --tables and --results\n"]);
    const file = join(root, "all.tar.gz");
    const named = bdefects(["export", "--archives", "--out", file, "--db", db]);
    expect([named.status, named.stderr]).toEqual([2, expect.stringMatching(/^error: --out .*name a folder\n$/)]);
    expect(existsSync(file)).toBe(false);
  });
});

describe("--db whole", () => {
  it("is unpacked into the cache on first use, and says how many archives are here", () => {
    const cache = use(archives);
    const first = bdefects(["ids", ...whole]);
    expect(first.status, first.stderr).toBe(0);
    expect(first.stderr).toMatch(/^whole: 2 of 12 archives are here$/m);
    const [dir] = readdirSync(join(cache, "bdefects4nn", "databases"));
    const unpacked = join(cache, "bdefects4nn", "databases", dir);
    const own = (facts: Record<string, string>) =>
      Object.fromEntries(
        Object.entries(facts).filter(([path, hash]) => hash !== "folder" && /^(clean|defects|objects)/.test(path)),
      );
    expect(own(factsOf(unpacked))).toEqual(own(factsOf(db)));
    const before = factsOf(unpacked);
    bdefects(["ids", ...whole]);
    expect(factsOf(unpacked)).toEqual(before);
  });

  it("is listed, told, verified, checked out, judged, scored and reported like any database", () => {
    use(archives);
    expect(rowsOf(["groups", ...whole]).map(({ group_id }) => group_id)).toEqual(
      PAIRS.map((pair) => `${pair}-badnets`),
    );
    expect(rowsOf(["ids", ...whole])).toHaveLength(2 * OFFSETS.length);
    expect(bdefects(["info", ID, ...whole]).stdout).toMatch(/--db whole/);
    const { status, stderr } = bdefects(["verify", "--all", ...whole]);
    expect(stderr).toMatch(
      new RegExp(`^verified ${2 * OFFSETS.length} defects, 2 clean models, \\d+ files in all: no fault$`, "m"),
    );
    expect(status).toBe(0);
    const out = join(temporaryFolder(), "case");
    expect(bdefects(["checkout", ID, out, "--sham", ...whole]).status).toBe(0);
    expect(readFileSync(join(out, "README.md"), "utf8")).toMatch(/--db whole/);
    const results = join(temporaryFolder(), "results");
    rowsOf(["localize", ID, "--criterion", "clp", "--out", results, ...whole]);
    expect(rowsOf(["score", "--results", results, ...whole])).not.toHaveLength(0);
    const report = join(temporaryFolder(), "report");
    const told = bdefects(["report", "--results", results, "--out", report, "--data", data, ...whole]);
    expect(told.status, told.stderr).toBe(0);
  });

  it("is unpacked anew where a part of it was deleted, and says so; damage is told with its mend", () => {
    const cache = use(archives);
    expect(bdefects(["ids", ...whole]).status).toBe(0);
    const parent = join(cache, "bdefects4nn", "databases");
    const dir = join(parent, readdirSync(parent).find((name) => name.startsWith("whole-"))!);
    rmSync(join(dir, "defects", `${PAIRS[0]}-badnets`), { recursive: true });
    const byPath = bdefects(["verify", "--all", "--db", dir]);
    expect([byPath.status, byPath.stderr]).toEqual([
      1,
      expect.stringMatching(/^error: .*' is missing; delete .*whole-[0-9a-f]{16}, and '--db whole' unpacks it anew\n$/),
    ]);
    const again = bdefects(["verify", "--all", ...whole]);
    expect(again.stderr).toMatch(/^whole: 'defects\/.*' was missing in .*: the archives were unpacked anew$/m);
    expect(again.stderr).toMatch(new RegExp(`^verified ${2 * OFFSETS.length} defects`, "m"));
    const [folder] = readdirSync(join(dir, "objects"));
    const object = join(dir, "objects", folder, readdirSync(join(dir, "objects", folder))[0]);
    flip(object);
    const damaged = bdefects(["verify", "--all", ...whole]);
    expect(damaged.status).toBe(1);
    expect(damaged.stderr).toMatch(/^error: [^\n]*whole-[0-9a-f]{16}, and '--db whole' unpacks it anew\n$/m);
  });

  it("can be named by BDEFECTS_DB, and nothing is built into it", () => {
    use(archives);
    expect(bdefects(["ids"], { BDEFECTS_DB: "whole" }).status).toBe(0);
    const { status, stderr } = bdefects(["build", "--edition", "whole", "--dry-run", "--data", data, ...whole]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^error: --db whole: comes with the program and is read-only; build into another folder$/m);
  });

  it("holds what is there where archives are missing", () => {
    const dir = copied();
    rmSync(join(dir, `${PAIRS[0]}.tar.gz`));
    use(dir);
    expect(rowsOf(["groups", ...whole])).toHaveLength(1);
    expect(bdefects(["groups", ...whole]).stderr).toMatch(
      new RegExp(
        `^whole: 1 of 12 archives are here: ${PAIRS[0]}\\.tar\\.gz is missing; restore from the repository$`,
        "m",
      ),
    );
  });

  it("says which archive the sums leave out", () => {
    const dir = copied();
    const sums = join(dir, "SHA256SUMS");
    writeFileSync(sums, readFileSync(sums, "utf8").split("\n").slice(1).join("\n"));
    use(dir);
    expect(bdefects(["groups", ...whole]).stderr).toMatch(
      new RegExp(
        `^whole: 1 of 12 archives are opened: SHA256SUMS does not list ${PAIRS[0]}\\.tar\\.gz; restore it`,
        "m",
      ),
    );
  });

  it("has a name of its own beside '--db lanes'", () => {
    use(archives);
    process.env.BDEFECTS_LANES = join(root, "nowhere");
    const { status, stderr } = bdefects(["ids", "--db", "lanes"]);
    expect([status, stderr]).toEqual([2, expect.stringMatching(/^error: --db lanes: .*nowhere.*BDEFECTS_LANES\n$/)]);
    process.env.BDEFECTS_LANES = archives;
    expect(bdefects(["ids", "--db", "lanes"]).stderr).toMatch(/is of edition 'whole', not 'lanes'/);
    delete process.env.BDEFECTS_LANES;
  });

  const one = (pair: string) => `${pair}.tar.gz`;
  const flip = (path: string) => {
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1] ^= 1;
    writeFileSync(path, bytes);
  };
  const swap = (dir: string) => {
    renameSync(join(dir, one(PAIRS[0])), join(dir, "x"));
    renameSync(join(dir, one(PAIRS[1])), join(dir, one(PAIRS[0])));
    renameSync(join(dir, "x"), join(dir, one(PAIRS[1])));
    stateSums(dir);
  };
  const faults: [string, (dir: string) => void, RegExp][] = [
    ["no archive", (dir) => rmSync(dir, { recursive: true }), /--db whole: there is no archive in .*BDEFECTS_WHOLE/],
    ["no sums", (dir) => rmSync(join(dir, "SHA256SUMS")), /--db whole: .*SHA256SUMS is missing; restore it/],
    [
      "a changed archive",
      (dir) => flip(join(dir, one(PAIRS[1]))),
      /vgg13w4\.tar\.gz: is not the archive that SHA256SUMS/,
    ],
    [
      "a damaged one whose hash is stated",
      (dir) => {
        flip(join(dir, one(PAIRS[1])));
        stateSums(dir);
      },
      /vgg13w4\.tar\.gz: /,
    ],
    [
      "archives under each other's names",
      swap,
      /resnet18w4\.tar\.gz: holds 'cifar10-vgg13w4-.*', which belongs to another/,
    ],
    [
      "empty sums beside archives",
      (dir) => writeFileSync(join(dir, "SHA256SUMS"), ""),
      /--db whole: .*SHA256SUMS does not list cifar10-resnet18w4\.tar\.gz, cifar10-vgg13w4\.tar\.gz; restore it/,
    ],
    ["sums that are none", (dir) => writeFileSync(join(dir, "SHA256SUMS"), "abc\n"), /SHA256SUMS: line 1 is no hash/],
    [
      "a path in the sums",
      (dir) => writeFileSync(join(dir, "SHA256SUMS"), `${"0".repeat(64)}  ../x-y.tar.gz\n`),
      /line 1/,
    ],
    [
      "a folder in place of an archive",
      (dir) => {
        rmSync(join(dir, one(PAIRS[0])));
        mkdirSync(join(dir, one(PAIRS[0])));
      },
      /resnet18w4\.tar\.gz: is a folder/,
    ],
  ];
  // It takes a build.
  const another: typeof faults = [
    [
      "an archive of another edition",
      (dir) => {
        const other = join(temporaryFolder(), "db");
        const recipe = writeRecipe(temporaryFolder(), (text) => text);
        const slice = ["--level", "narrow", "--offset", "0", "--jobs", "1"];
        bdefects(["build", "--edition", recipe, "--db", other, "--data", data, ...slice]);
        const exported = join(temporaryFolder(), "tiny");
        rowsOf(["export", "--archives", "--out", exported, "--db", other]);
        cpSync(exported, dir, { recursive: true });
        stateSums(dir);
      },
      /resnet18w4\.tar\.gz: is of edition 'tiny', not 'whole'/,
    ],
  ];
  it.each([...faults, ...(LONG ? another : [])])(
    "refuses %s in one line and leaves nothing in the cache",
    (_, damage, message) => {
      const dir = copied();
      damage(dir);
      const cache = use(dir);
      const { status, stdout, stderr } = bdefects(["ids", ...whole]);
      expect([status, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(/^error: [^\n]*\n$/);
      expect(stderr).toMatch(message);
      expect(held(cache).filter((path) => /whole-/.test(String(path)))).toEqual([]);
    },
  );
});

describe("the archives of the repository", () => {
  it("stay out of the package", () => {
    const { files } = JSON.parse(readFileSync("package.json", "utf8")) as { files: string[] };
    expect(files.some((path) => /^(\.\/)?(database|\*)/.test(path))).toBe(false);
  });

  it.each([
    ["whole", []],
    ["lanes", []],
    // Built by `--dataset`: what it reads is no part of the program.
    ["text", ["sst2-llama2d64"]],
  ])("are those of the data sets and architectures of the edition '%s', and %j besides", (name, besides) => {
    const edition = loadEdition(name);
    const { clean } = makePlan(edition, edition.select);
    const planned = new Set(clean.map(({ dataset, arch }) => `${dataset}-${arch}`));
    const there = readdirSync(join("database", name)).filter((file) => file !== "SHA256SUMS");
    expect(there.sort()).toEqual([...planned, ...besides].map((base) => `${base}.tar.gz`).sort());
    expect(archivesOf(name)).toBe(there.length);
  });
});
