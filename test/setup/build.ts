import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * The CLI tests run the built program, so it is built once, before any test. All temporary folders of a run lie in one, which goes
 * away with what killed programs left in it.
 */
export default function setUp(): () => void {
  execFileSync("npm", ["run", "--silent", "build"], { stdio: "inherit" });
  const folder = mkdtempSync(join(tmpdir(), "bdefects-tests-"));
  // For what test files tell each other.
  Object.assign(process.env, { TMPDIR: folder, TEMP: folder, TMP: folder, BDEFECTS_TESTS: folder });
  // What the program keeps in the user's cache, drawn roads and unpacked archives, is made once for all test files.
  const cache = join(folder, "cache");
  Object.assign(process.env, { XDG_CACHE_HOME: cache, LOCALAPPDATA: cache });
  // The program sets it too, but in a thread native libraries see the process's environment and no other.
  process.env.ORT_DISABLE_TELEMETRY = "1";
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}
