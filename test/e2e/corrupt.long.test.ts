import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { bdefects, rowsOf } from "../cli/program.ts";
import { temporaryFolder } from "../store/temp.ts";
import { factsOf } from "./files.ts";
import { CLEAN, tinyBuild, writeTinyData } from "./tiny.ts";

const ID = "cifar10-resnet18w4-badnets-narrow-top000";
const RECORD = `defects/cifar10-resnet18w4-badnets/${ID}.json`;
const LABELS = RECORD.replace(".json", ".labels.json");
const CLEAN_RECORD = `clean/${CLEAN}.json`;
const RESULT = `results/localize/weight-norm/${ID}.infected.json`;

const original = join(temporaryFolder(), "db");
let files: string[];
beforeAll(() => {
  const data = writeTinyData(temporaryFolder());
  rowsOf(tinyBuild(original, data, "--level", "narrow", "--offset", "0"));
  rowsOf(["localize", ID, "--criterion", "weight-norm", "--db", original, "--data", data]);
  rowsOf(["repair", ID, "--using", "weight-norm", "--db", original, "--data", data]);
  files = Object.entries(factsOf(original)).flatMap(([file, hash]) => (hash === "folder" ? [] : [file]));
});

function copy(): string {
  const db = join(temporaryFolder(), "db");
  cpSync(original, db, { recursive: true });
  return db;
}

interface Verified {
  status: number | null;
  faults: string[];
  notes: string[];
  stderr: string;
}

function verifyAll(db: string): Verified {
  const { status, stdout, stderr } = bdefects(["verify", "--all", "--db", db, "--format", "json"]);
  const findings = stdout === "" ? [] : (JSON.parse(stdout) as { severity: string; file: string }[]);
  const of = (wanted: string) => findings.filter(({ severity }) => severity === wanted).map(({ file }) => file);
  return { status, stderr, faults: of("fault"), notes: of("note") };
}

describe("verify --all", () => {
  it("finds no fault in what was built and judged", () => {
    expect(files).toHaveLength(15);
    expect(verifyAll(original)).toMatchObject({ status: 0, faults: [], notes: [] });
  });

  it("names any file of which one byte was flipped, and exits with 1", () => {
    const db = copy();
    const random = new Random(30);
    for (const file of files) {
      const path = join(db, file);
      const intact = readFileSync(path);
      const damaged = Buffer.from(intact);
      const at = random.below(damaged.length);
      damaged[at] ^= 1 + random.below(255);
      writeFileSync(path, damaged);
      const { status, faults, stderr } = verifyAll(db);
      const what = `${file}, byte ${at}: ${stderr}`;
      expect(status, what).toBe(1);
      expect(stderr, what).toMatch(/^error: [^\n]+\n$/);
      if (file === "database.json") expect(stderr).toContain(file);
      else expect(faults, what).toContain(file);
      writeFileSync(path, intact);
    }
    expect(verifyAll(db)).toMatchObject({ status: 0, faults: [], notes: [] });
  });

  it("names every one of many damaged files", () => {
    const db = copy();
    const random = new Random(31);
    const damaged = files.filter((file) => file !== "database.json");
    for (const file of damaged) {
      const bytes = readFileSync(join(db, file));
      bytes[random.below(bytes.length)] ^= 1 << random.below(8);
      writeFileSync(join(db, file), bytes);
    }
    const { status, faults } = verifyAll(db);
    expect(status).toBe(1);
    expect(faults).toEqual(expect.arrayContaining(damaged));
  });

  it("names a file that was cut short or emptied", () => {
    const db = copy();
    const damaged = files.filter((file) => file !== "database.json");
    for (const [i, file] of damaged.entries()) {
      const bytes = readFileSync(join(db, file));
      writeFileSync(join(db, file), bytes.subarray(0, i % 2 === 0 ? 0 : bytes.length - 1));
    }
    const { status, faults } = verifyAll(db);
    expect(status).toBe(1);
    expect(faults).toEqual(expect.arrayContaining(damaged));
  });

  it("names what is missing", () => {
    const db = copy();
    const objects = files.filter((file) => file.startsWith("objects"));
    for (const file of [LABELS, ...objects]) rmSync(join(db, file));
    const { status, faults } = verifyAll(db);
    expect(status).toBe(1);
    // Lost labels do not say which object held the carriers, a lost clean model leaves its deltas to wait for it.
    expect(faults).toEqual(expect.arrayContaining([LABELS, RECORD]));
    expect(objects.filter((file) => faults.includes(file)).length).toBeGreaterThanOrEqual(2);
    for (const file of objects) {
      const one = copy();
      rmSync(join(one, file));
      expect(verifyAll(one)).toMatchObject({ status: 1, faults: expect.arrayContaining([file]) });
    }
  });

  it("names the defect whose clean record is missing, and the labels whose record is", () => {
    const db = copy();
    rmSync(join(db, CLEAN_RECORD));
    expect(verifyAll(db)).toMatchObject({ status: 1, faults: expect.arrayContaining([RECORD]) });
    const other = copy();
    rmSync(join(other, RECORD));
    expect(verifyAll(other).notes).toContain(LABELS);
  });

  it("names stray and misplaced files", () => {
    const db = copy();
    const strays = {
      "thesis.tex": "\\documentclass",
      "clean/notes.txt": "",
      "defects/readme.md": "",
      "results/localize/scores.csv": "",
      "objects/ab/cd": "",
      [RECORD.replace("narrow-top000", "small-top000")]: readFileSync(join(db, RECORD)),
      [CLEAN_RECORD.replace("s1", "s2")]: readFileSync(join(db, CLEAN_RECORD)),
      [LABELS.replace("badnets/", "sra/")]: readFileSync(join(db, LABELS)),
    };
    for (const [file, content] of Object.entries(strays)) {
      mkdirSync(dirname(join(db, file)), { recursive: true });
      writeFileSync(join(db, file), content);
    }
    const { status, faults } = verifyAll(db);
    expect(status).toBe(1);
    expect(faults).toEqual(expect.arrayContaining(Object.keys(strays)));
  });

  it("finds records, labels and results that were exchanged for others", () => {
    const db = copy();
    // Whole, checksummed and valid, but not what belongs there.
    const repair = files.find((file) => file.startsWith("results/repair"))!;
    writeFileSync(join(db, LABELS), readFileSync(join(db, RESULT)));
    writeFileSync(join(db, CLEAN_RECORD), readFileSync(join(db, repair)));
    const { status, faults } = verifyAll(db);
    expect(status).toBe(1);
    expect(faults).toEqual(expect.arrayContaining([LABELS, CLEAN_RECORD]));
  });

  it("does not mind the loss of what is derived", () => {
    const db = copy();
    rmSync(join(db, "journal.jsonl"));
    rmSync(join(db, "catalog.duckdb"), { force: true });
    writeFileSync(join(db, "claims", "x.0"), "garbage");
    expect(verifyAll(db)).toMatchObject({ status: 0, faults: [], notes: [] });
    expect(rowsOf(["query", "--fields", "id", "--db", db])).toEqual([{ id: ID }]);
  });
});
