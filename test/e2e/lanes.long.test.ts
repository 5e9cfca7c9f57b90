import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { defectRecord } from "../../src/records/defect.ts";
import { bdefects, rowsOf } from "../cli/program.ts";
import { temporaryFolder } from "../store/temp.ts";

const RECIPE = join(import.meta.dirname, "lanes-tiny.yaml");
const ID = "roads-ufld18w4-coneslda-narrow-top040";

const db = join(temporaryFolder(), "db");
const recordOf = (folder: string) => {
  const file = join(folder, "defects", "roads-ufld18w4-coneslda", `${ID}.json`);
  const { checksum: _, ...record } = JSON.parse(readFileSync(file, "utf8"));
  return defectRecord.parse(record);
};

describe("a lane defect", () => {
  beforeAll(() => {
    const { status, stderr } = bdefects(["build", "--edition", RECIPE, "--db", db, "--jobs", "1"]);
    expect(status, stderr).toBe(0);
  }, 900_000);

  it("is built by the stages of every task, and states what lanes tell besides", () => {
    const record = recordOf(db);
    expect(record).toMatchObject({ task: "lanes", status: "accepted", target: 0 });
    expect(Object.keys(record.changed_columns!)).toEqual(["cls.2.weight"]);
    expect(Object.keys(record.controls!).sort()).toEqual(["left", "mirrored", "right"]);
    for (const version of ["clean", "infected", "sham"] as const) {
      expect(Object.keys(record.details![version]!.clean)).toContain("false_positives");
      expect(Object.keys(record.details![version]!.triggered)).toContain("direction_frames");
    }
  });

  it("is verified, its figures measured again to the last digit", () => {
    const { status, stderr } = bdefects(["verify", "--all", "--metrics", "--tolerance", "0", "--db", db]);
    expect([status, stderr]).toEqual([0, expect.stringContaining("no fault")]);
  }, 300_000);

  it("moves to another database whole", () => {
    const archive = join(temporaryFolder(), "lanes.tar.gz");
    const other = join(temporaryFolder(), "other");
    expect(bdefects(["export", "--out", archive, "--db", db]).status).toBe(0);
    expect(bdefects(["import", archive, "--db", other]).status).toBe(0);
    expect(recordOf(other)).toEqual(recordOf(db));
    expect(rowsOf(["query", "--db", other])).toHaveLength(1);
  });
});
