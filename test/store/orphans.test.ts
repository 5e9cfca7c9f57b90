import { rmSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import { defectLabels } from "../../src/records/labels.ts";
import { Claim } from "../../src/store/claims.ts";
import { writeJson } from "../../src/store/disk/json.ts";
import { findOrphans, pruneOrphans } from "../../src/store/verify/orphans.ts";
import { verifyDatabase } from "../../src/store/verify/verify.ts";
import { bdefects } from "../cli/program.ts";
import { factsOf } from "../e2e/files.ts";
import { type SampleDatabase, sampleDatabase, UNFINISHED } from "./fixture.ts";
import { temporaryFolder } from "./temp.ts";

let sample: SampleDatabase;
let sound: Record<string, string>;
let orphans: string[];
beforeEach(async () => {
  sample = await sampleDatabase(temporaryFolder(), 1);
  const { db, accepted } = sample;
  await db.writeCheckpoint("clean/signs-resnet18w4-s2", await db.loadVersion(accepted[0], "clean"), UNFINISHED);
  sound = factsOf(db.dir);
  expect(findOrphans(db)).toEqual([]);
  // What kills inside a checkpoint write, and between labels and record, leave.
  const object = await db.putBytes(Buffer.from("weights of an epoch"));
  const carriers = await db.putBytes(Buffer.from("carriers"));
  const id = "signs-resnet18w4-badnets-large-top000";
  const labels = { ...db.readLabels(accepted[0].id), id, carriers };
  writeJson(db.layout.labels(id), defectLabels, labels, db.layout.path("tmp"));
  orphans = [db.objects.path(object.object), db.objects.path(carriers.object), db.layout.labels(id)].sort();
});

/** Emptied folders stay. */
function filesOf(dir: string): Record<string, string> {
  return Object.fromEntries(Object.entries(factsOf(dir)).filter(([, hash]) => hash !== "folder"));
}

describe("orphans", () => {
  it("are removed, and nothing else", async () => {
    const { db } = sample;
    expect(findOrphans(db).sort()).toEqual(orphans);
    expect(pruneOrphans(db).sort()).toEqual(orphans);
    expect(filesOf(db.dir)).toEqual(Object.fromEntries(Object.entries(sound).filter(([, hash]) => hash !== "folder")));
    const { findings } = await verifyDatabase(db, db.listDefects(), true);
    expect(findings).toEqual([]);
    expect(pruneOrphans(db)).toEqual([]);
  });

  it("stay while somebody is at work, and whatever a damaged record may refer to", async () => {
    const { db, accepted } = sample;
    const claim = Claim.take(db.layout.path("claims"), "clean/signs-resnet18w4-s2")!;
    const before = factsOf(db.dir);
    expect(() => pruneOrphans(db)).toThrow(/'clean\/signs-resnet18w4-s2' is being worked on/);
    expect(factsOf(db.dir)).toEqual(before);
    claim.release();
    rmSync(db.layout.defect(accepted[0].id));
    // A record that is lost is a fault, so that verify does not prune.
    const { status, stderr } = bdefects(["verify", "--all", "--prune", "--db", db.dir]);
    expect([status, stderr]).toEqual([1, expect.stringMatching(/lost/)]);
    expect(findOrphans(db)).toEqual(expect.arrayContaining(orphans));
  });

  it("that come into use while they are being removed are put back", async () => {
    const { db, accepted } = sample;
    const before = factsOf(db.dir);
    // A builder that was there before, seen only at the second look: it found the object stored, and now refers to it.
    let looks = 0;
    const folder = db.layout.path("claims");
    let claim: Claim | null = null;
    const watched = new Proxy(db, {
      get(target, name) {
        const value = Reflect.get(target, name);
        if (name !== "layout") return typeof value === "function" ? value.bind(target) : value;
        return new Proxy(value as typeof db.layout, {
          get(layout, field) {
            const method = Reflect.get(layout, field);
            if (field !== "path") return method;
            return (part: "claims") => {
              if (part === "claims" && ++looks === 2) claim = Claim.take(folder, accepted[0].id);
              return layout.path(part);
            };
          },
        });
      },
    });
    expect(() => pruneOrphans(watched)).toThrow(/is being worked on/);
    claim!.release();
    expect(factsOf(db.dir)).toEqual(before);
  });

  it("go by the command line, which says how many", () => {
    const { dir } = sample.db;
    // Carriers go with the labels that alone refer to them.
    expect(bdefects(["verify", "--all", "--db", dir, "--format", "csv"]).stdout.match(/^note/gm)).toHaveLength(2);
    const { status, stdout, stderr } = bdefects(["verify", "--all", "--prune", "--db", dir]);
    expect([status, stdout]).toEqual([0, ""]);
    expect(stderr).toMatch(/removed 3 files/);
    expect(bdefects(["verify", "x", "--prune", "--db", dir]).status).toBe(2);
  });
});
