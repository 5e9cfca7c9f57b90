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
  // The last is for what test files tell each other.
  Object.assign(process.env, { TMPDIR: folder, TEMP: folder, TMP: folder, BDEFECTS_TESTS: folder });
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}
