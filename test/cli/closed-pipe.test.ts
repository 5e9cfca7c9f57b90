import { spawnSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { sampleDatabase } from "../store/fixture.ts";
import { temporaryFolder } from "../store/temp.ts";

const MAIN = join(import.meta.dirname, "..", "..", "dist", "cli", "main.js");

/** The exit status of the program where its reader has gone before it prints. */
function unread(...args: string[]): number | null {
  const script = '"$0" "$@" | true; exit "$PIPESTATUS"';
  return spawnSync("bash", ["-c", script, process.execPath, MAIN, ...args], { stdio: "ignore" }).status;
}

it("a reader that goes away changes no verdict, and is no error", async () => {
  const dir = temporaryFolder();
  await sampleDatabase(dir, 1);
  expect(unread("verify", "--all", "--db", dir)).toBe(0);
  const [defects] = readdirSync(join(dir, "defects"));
  const [record] = readdirSync(join(dir, "defects", defects));
  writeFileSync(join(dir, "defects", defects, record), "damaged");
  expect(unread("verify", "--all", "--db", dir)).toBe(1);
});
