import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fillNewFolder, refuseExisting } from "../../src/store/disk/new-folder.ts";
import { leaveStaging } from "../files/abandoned.ts";
import { temporaryFolder } from "./temp.ts";

describe("a new folder or file", () => {
  it("that a killed run had put in place is refused, and what else that run left goes", async () => {
    const dir = temporaryFolder();
    const folder = join(dir, "case");
    mkdirSync(folder);
    writeFileSync(join(folder, "whole"), "whole");
    const left = leaveStaging(dir, ".case");
    await expect(fillNewFolder(folder, () => undefined)).rejects.toThrow(/case: is not empty/);
    expect(existsSync(left)).toBe(false);
    const again = leaveStaging(dir, ".case");
    expect(() => refuseExisting(join(folder, "whole"))).toThrow(/exists already/);
    expect(existsSync(again)).toBe(true);
    expect(() => refuseExisting(folder)).toThrow(/exists already/);
    expect(readdirSync(dir)).toEqual(["case"]);
    expect(readFileSync(join(folder, "whole"), "utf8")).toBe("whole");
  });
});
