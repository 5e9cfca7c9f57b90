import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "../../../src/store/database.ts";
import { exportDefects } from "../../../src/store/transfer/export.ts";
import { importExport } from "../../../src/store/transfer/import.ts";
import { buildNetwork } from "../../../src/tasks/classification/models/registry.ts";
import { randomState, UNFINISHED } from "../fixture.ts";
import { temporaryFolder } from "../temp.ts";
import { BESIDE, FOREIGN, mixedDatabase, REPAIR, SCORE, writeStudy } from "./beside.ts";
import { Forger, faultsOf, faultsUnder } from "./forge.ts";

const root = temporaryFolder();
const dir = join(root, "db");
const network = buildNetwork("resnet18w4", 10);
let forger: Forger;
beforeAll(async () => {
  forger = await mixedDatabase(dir);
});

describe("verify finds values that cannot be in what is beside the defects", () => {
  it("and nothing before they are put there", async () => {
    expect(await faultsOf(dir)).toEqual([]);
  });

  it.each(BESIDE)("%s (%s)", async (_, file, change, fault) => {
    expect((await faultsUnder(dir, forger, file, change)).join("\n")).toMatch(fault);
  });

  it("a checkpoint of another network's tensors", async () => {
    const db = await openDatabase(dir);
    await db.writeCheckpoint("clean/signs-resnet18w8-s2", randomState(network, 5), UNFINISHED);
    expect((await faultsOf(dir)).join("\n")).toMatch(/does not hold the tensors of resnet18w8/);
    db.dropCheckpoint("clean/signs-resnet18w8-s2");
  });

  it.each([
    ["a WJI of 2", { ...SCORE, wji: 2 }, REPAIR, /1 rows with a share outside 0 to 1/],
    ["a version that is none", { ...SCORE, version: "best" }, REPAIR, /a version that is none/],
    ["−1 seconds", { ...SCORE, seconds: -1 }, REPAIR, /a negative number/],
    ["an ASR of 7", SCORE, { ...REPAIR, asr_after: 7 }, /a share outside 0 to 1/],
    ["another fall of ASR", SCORE, { ...REPAIR, asrd: 0.1 }, /not that of its rates/],
  ])("a study's row with %s", async (_, score, repair, fault) => {
    await writeStudy(dir, score, repair);
    expect((await faultsOf(dir)).join("\n")).toMatch(fault);
  });
});

describe("import refuses", () => {
  const some = BESIDE.filter(([, file]) => file === "foreign").slice(1, 20);
  it.each(some)("a foreign record with %s", async (_, file, change, fault) => {
    const out = join(temporaryFolder(), "export");
    await exportDefects(await openDatabase(dir, { readOnly: true }), { ids: [FOREIGN], out, results: false });
    const forged = new Forger(out, { [file]: `${FOREIGN}.json` });
    forged.forge(file, change);
    forged.relist();
    await expect(importExport(join(root, "target"), out)).rejects.toThrow(fault);
  });
});
