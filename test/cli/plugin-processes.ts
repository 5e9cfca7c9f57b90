import { readdirSync, readFileSync } from "node:fs";

/** The processes of this machine that run for a plug-in's folder: their numbers outside of any namespace. Linux only. */
export function processesOf(folder: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => readOrEmpty(`/proc/${pid}/environ`).split("\0").includes(`BDEFECTS_SUSPECT=${folder}`))
    .map(Number);
}

/** Command lines of this machine's processes that hold a text. Linux only. */
export function commandLinesWith(mark: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => readOrEmpty(`/proc/${pid}/cmdline`))
    .filter((line) => line.includes(mark));
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
