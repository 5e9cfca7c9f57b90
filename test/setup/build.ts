import { execFileSync } from "node:child_process";
import { accessSync, constants, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * The CLI tests run the built program, so it is built once, before any test. All temporary folders of a run lie in one, which goes
 * away with what killed programs left in it.
 */
export default function setUp(): () => void {
  execFileSync("npm", ["run", "--silent", "build"], { stdio: "inherit" });
  const place = memoryFolder() ?? tmpdir();
  removeLeftovers(place);
  const folder = mkdtempSync(join(place, `${PREFIX}${process.pid}-`));
  // For what test files tell each other.
  Object.assign(process.env, { TMPDIR: folder, TEMP: folder, TMP: folder, BDEFECTS_TESTS: folder });
  // What the program keeps in the user's cache, drawn roads and unpacked archives, is made once for all test files.
  const cache = join(folder, "cache");
  Object.assign(process.env, { XDG_CACHE_HOME: cache, LOCALAPPDATA: cache });
  // The program sets it too, but in a thread native libraries see the process's environment and no other.
  process.env.ORT_DISABLE_TELEMETRY = "1";
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

const PREFIX = "bdefects-tests-";
const SHARED_MEMORY = "/dev/shm";
/** Tests hold well below a tenth of it at a time. */
const ROOM_BYTES = 8e9;

/** Linux's folder in memory, where it has room and programs may be run from it: tests write a great many files, and wait for each to be on the disk. */
function memoryFolder(): string | null {
  if (process.env.TMPDIR !== undefined) return null;
  try {
    accessSync(SHARED_MEMORY, constants.W_OK);
    const mounted = readFileSync("/proc/mounts", "utf8")
      .split("\n")
      .find((line) => line.split(" ")[1] === SHARED_MEMORY);
    const { bavail, bsize } = statfsSync(SHARED_MEMORY);
    return mounted && !/\bnoexec\b/.test(mounted) && bavail * bsize > ROOM_BYTES ? SHARED_MEMORY : null;
  } catch {
    return null;
  }
}

/** What runs left that were killed. */
function removeLeftovers(place: string): void {
  for (const name of readdirSync(place)) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || isRunning(Number(pid))) continue;
    rmSync(join(place, name), { recursive: true, force: true, maxRetries: 3 });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
