import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { checksummedJson } from "../../src/store/disk/json.ts";
import { bdefects, rowsOf } from "../cli/program.ts";
import { temporaryFolder } from "../store/temp.ts";
import { decidedBy, factsOf, readJson } from "./files.ts";
import { tinyBuild, writeTinyData } from "./tiny.ts";

const ID = "cifar10-resnet18w4-badnets-narrow-top000";
const RECORD = `defects/cifar10-resnet18w4-badnets/${ID}.json`;

const data = writeTinyData(temporaryFolder());
const original = join(temporaryFolder(), "db");
const slice = ["--level", "narrow", "--offset", "0"];
beforeAll(() => {
  rowsOf(tinyBuild(original, data, ...slice));
});

function copy(): string {
  const db = join(temporaryFolder(), "db");
  cpSync(original, db, { recursive: true });
  return db;
}

/** Rewrites a record as somebody would who wants it to look untouched: with a checksum that fits. */
function forge(db: string, file: string, change: (record: Record<string, Record<string, number>>) => void): void {
  const { checksum: _, ...record } = readJson(db, file);
  change(record as never);
  writeFileSync(join(db, file), checksummedJson(record));
}

describe("verify --metrics", () => {
  it("measures every figure of the record again, equal on the machine that built it", () => {
    const { status, stderr, stdout } = bdefects([
      ...["verify", "--all", "--metrics", "--tolerance", "0", "--db", original, "--data", data],
    ]);
    expect([status, stdout]).toEqual([0, ""]);
    // The clean model's accuracy; of the defect both rates of three versions, and three under the mask.
    expect(stderr).toMatch(/measured 10 figures again: 10 equal/);
    expect(bdefects(["verify", ID, "--metrics", "--db", original, "--data", data]).stderr).toMatch(/9 figures/);
  });

  it("finds every forged figure, which checksums cannot", () => {
    const db = copy();
    const forged: string[] = [];
    forge(db, RECORD, ({ metrics }) => {
      for (const [metric, value] of Object.entries(metrics)) {
        // The clean model's record states this one too.
        if (metric === "ca_clean") continue;
        metrics[metric] = value > 0.5 ? value - 0.1 : value + 0.1;
        // These take more than a rebuilt model and a mask to measure.
        if (!["asr_patched", "asr_random_mask"].includes(metric)) forged.push(metric);
      }
    });
    expect(forged).toHaveLength(8);
    const args = ["verify", ID, "--db", db, "--data", data];
    expect(bdefects(args).status).toBe(0);
    const { status, stdout, stderr } = bdefects([...args, "--metrics", "--format", "json"]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error: 8 faults in [^\n]+\n$/);
    const found = JSON.parse(stdout) as { severity: string; file: string; id: string; finding: string }[];
    for (const row of found) expect(row).toMatchObject({ severity: "fault", file: RECORD, id: ID });
    expect(found.map(({ finding }) => /'metrics\.(\w+)'/.exec(finding)![1]).sort()).toEqual(forged.sort());
  });

  it("needs no images for a figure that the clean model's record contradicts", () => {
    const db = copy();
    forge(db, RECORD, ({ metrics }) => {
      metrics.ca_clean += metrics.ca_clean > 0.5 ? -0.1 : 0.1;
    });
    const { status, stderr } = bdefects(["verify", ID, "--db", db]);
    expect(status).toBe(1);
    expect(stderr).toContain("'metrics.ca_clean'");
  });

  it("finds a forged clean model's accuracy, and notes what lies within the tolerance", () => {
    const db = copy();
    const [file] = Object.keys(factsOf(db)).filter((name) => /^clean\/.*\.json$/.test(name));
    forge(db, file, ({ metrics }) => {
      metrics.ca += metrics.ca > 0.5 ? -1 / 60 : 1 / 60;
    });
    // One of 60 images.
    const args = ["verify", "--all", "--metrics", "--db", db, "--data", data, "--format", "json"];
    const { status, stdout } = bdefects(args);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([
      { severity: "note", file, finding: expect.stringMatching(/1 of 60 images/) },
    ]);
    expect(bdefects([...args, "--tolerance", "0"]).status).toBe(1);
    expect(bdefects(["verify", "--tolerance", "0", "--db", db]).status).toBe(2);
    expect(bdefects(["verify", "--metrics", "--tolerance", "2", "--db", db]).status).toBe(2);
  });

  it("asks for the data set where it is missing or another", () => {
    const none = bdefects(["verify", "--metrics", "--db", original, "--data", temporaryFolder()]);
    expect([none.status, none.stdout]).toEqual([2, ""]);
    expect(none.stderr).toMatch(/^error: [^\n]*--data[^\n]*data fetch cifar10[^\n]*\n$/);
    const other = writeTinyData(temporaryFolder());
    const batch = join(other, "cifar-10-batches-bin", "test_batch.bin");
    const bytes = readFileSync(batch);
    bytes[100] ^= 1;
    writeFileSync(batch, bytes);
    const { status, stderr } = bdefects(["verify", "--metrics", "--db", original, "--data", other]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^error: [^\n]*not the one[^\n]*--data[^\n]*\n$/);
  });
});

describe("deprecate", () => {
  it("withdraws a defect with a reason; builds do not make it again, judges pass over it", () => {
    const db = copy();
    const before = decidedBy(db);
    expect(rowsOf(["query", "--fields", "status", "--db", db])).toEqual([{ status: "accepted" }]);
    const [row] = rowsOf(["deprecate", ID, "--reason", "its trigger\n is cut off", "--db", db]);
    expect(row).toMatchObject({ id: ID, status: "deprecated", reason: "its trigger is cut off" });
    const fields = ["--fields", "id,status,reason", "--db", db];
    expect(rowsOf(["query", "--where", "status = 'deprecated'", ...fields])).toEqual([
      { id: ID, status: "deprecated", reason: "its trigger is cut off" },
    ]);
    expect(rowsOf(["info", "--db", db])).toMatchObject([{ accepted: 0, deprecated: 1 }]);
    const withdrawn = factsOf(db);
    expect(rowsOf(tinyBuild(db, data, ...slice))).toMatchObject([{ id: ID, status: "deprecated" }]);
    expect(factsOf(db)).toEqual(withdrawn);
    expect(bdefects(["localize", ID, "--criterion", "weight-norm", "--db", db, "--data", data]).stderr).toMatch(
      /is deprecated \(its trigger is cut off\)/,
    );
    expect(bdefects(["verify", "--all", "--metrics", "--db", db, "--data", data]).status).toBe(0);

    rowsOf(["deprecate", ID, "--restore", "--db", db]);
    expect(decidedBy(db)).toEqual(before);
  });

  it("refuses what is not accepted or not said why, and changes nothing", () => {
    const db = copy();
    const before = factsOf(db);
    const fails = (args: string[], message: RegExp) => {
      const { status, stdout, stderr } = bdefects(["deprecate", ...args, "--db", db]);
      expect([status, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(message);
      expect(factsOf(db)).toEqual(before);
    };
    fails([ID], /^error: --reason[^\n]+\n$/);
    fails([ID, "--reason", " "], /^error: --reason[^\n]+\n$/);
    fails([ID, "--reason", "x", "--restore"], /not both/);
    fails([ID, "--restore"], /is accepted: only deprecated/);
    fails([ID, "cifar10-resnet18w4-badnets-large-top040", "--reason", "x"], /no defect .*did you mean/);
    fails(["../x", "--reason", "x"], /bad defect id/);
    rmSync(db, { recursive: true });
  });
});
