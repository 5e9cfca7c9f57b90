import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../temp.ts";
import { smallDatabase } from "./fixture.ts";
import { Forger, faultsOf, faultsUnder } from "./forge.ts";
import { VALUES } from "./values.ts";

/** One in eight; `values.long.test.ts` has them all, and the same for `import`. */
const SOME = VALUES.filter((_, i) => i % 8 === 0);

const dir = join(temporaryFolder(), "db");
let forger: Forger;
beforeAll(async () => {
  forger = new Forger(dir, await smallDatabase(dir));
});

describe("verify finds values that cannot be, whatever their checksums", () => {
  it("and nothing in the database that they are put into", async () => {
    expect(await faultsOf(dir)).toEqual([]);
  });

  it.each(SOME)("%s (%s)", async (_, file, change, fault) => {
    expect((await faultsUnder(dir, forger, file, change)).join("\n")).toMatch(fault);
  });
});
