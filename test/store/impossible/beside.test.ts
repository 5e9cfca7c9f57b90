import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../temp.ts";
import { BESIDE, mixedDatabase, REPAIR, SCORE, writeStudy } from "./beside.ts";
import { type Forger, faultsOf, faultsUnder } from "./forge.ts";

/** One in eight; `beside.long.test.ts` has them all, and the same for `import`. */
const SOME = BESIDE.filter((_, i) => i % 8 === 0);

const dir = join(temporaryFolder(), "db");
let forger: Forger;
beforeAll(async () => {
  forger = await mixedDatabase(dir);
});

describe("verify finds values that cannot be in what is beside the defects", () => {
  it("and nothing before they are put there", async () => {
    expect(await faultsOf(dir)).toEqual([]);
  });

  it.each(SOME)("%s (%s)", async (_, file, change, fault) => {
    expect((await faultsUnder(dir, forger, file, change)).join("\n")).toMatch(fault);
  });

  it("a study's row with a WJI of 2", async () => {
    await writeStudy(dir, { ...SCORE, wji: 2 }, REPAIR);
    expect((await faultsOf(dir)).join("\n")).toMatch(/1 rows with a share outside 0 to 1/);
  });
});
