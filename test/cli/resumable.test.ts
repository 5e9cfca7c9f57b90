import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { tinyBuild, writeTinyData } from "../e2e/tiny.ts";
import { temporaryFolder } from "../store/temp.ts";

const MAIN = join(import.meta.dirname, "..", "..", "dist", "cli", "main.js");

describe("Ctrl-C", () => {
  it("says of a build how to go on, in one line, and ends it as an interrupt does", async () => {
    const folder = temporaryFolder();
    const [db, data] = [join(folder, "db"), writeTinyData(join(folder, "data"))];
    const child = spawn(process.execPath, [MAIN, ...tinyBuild(db, data)], { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (text) => {
      said += text;
    });
    const closed = once(child, "close");
    await expect.poll(() => existsSync(join(db, "database.json")), { timeout: 60_000 }).toBe(true);
    child.kill("SIGINT");
    // A shell tells this as 130.
    expect(await closed).toEqual([null, "SIGINT"]);
    const lines = said.split("\n");
    expect(lines.filter((line) => line.startsWith("stopped"))).toEqual([
      "stopped: what is finished is kept, and the same command goes on from there",
    ]);
    expect(lines.at(-1)).toBe("");
  });
});
