import { readdirSync, readFileSync } from "node:fs";

/** A process may start another one while the list is read. */
const MOST_ROUNDS = 20;

/**
 * Ends what a plug-in has left running outside its process group: on Linux every process of ours whose environment names
 * the plug-in's folder, which children inherit. Elsewhere there is no list to read, and nothing happens.
 */
export function endRemnants(folder: string): void {
  if (process.platform !== "linux") return;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const left = processesOf(folder);
    if (left.length === 0) return;
    for (const pid of left) end(pid);
  }
}

function processesOf(folder: string): number[] {
  const mark = `\0BDEFECTS_SUSPECT=${folder}\0`;
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => `\0${environmentOf(pid)}\0`.includes(mark))
    .map(Number);
}

/** Empty where the process is not ours, or is over. */
function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1");
  } catch {
    return "";
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Over meanwhile.
  }
}
