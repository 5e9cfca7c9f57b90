import { readFileSync } from "node:fs";

/** Linux's clock tick in all its accounts: 1/100 s. */
const TICKS_PER_SECOND = 100;

/** A reading of processor time, in core-seconds: all that was used, and what the given processes used of it. */
export interface Reading {
  at: number;
  all: number;
  own: number;
}

/** Reads `/proc`; undefined where there is none. */
export function readLoad(pids: number[]): Reading | undefined {
  try {
    const [user, nice, system, , , irq, softirq, steal] = numbersAfter(/^cpu /m, readFileSync("/proc/stat", "utf8"));
    let own = 0;
    for (const pid of [process.pid, ...pids]) {
      // After the name in parentheses; user and system time are the 14th and 15th fields of the line.
      const fields = numbersAfter(/\) . /, readFileSync(`/proc/${pid}/stat`, "utf8"));
      own += fields[10] + fields[11];
    }
    const all = user + nice + system + irq + softirq + steal;
    return { at: performance.now() / 1000, all: all / TICKS_PER_SECOND, own: own / TICKS_PER_SECOND };
  } catch {
    return undefined;
  }
}

/** How many cores other programs kept busy between two readings; undefined where it cannot be known. */
export function coresOfOthers(before: Reading | undefined, after: Reading | undefined): number | undefined {
  if (!before || !after) return undefined;
  const used = after.all - before.all - (after.own - before.own);
  return Math.max(0, used / (after.at - before.at));
}

function numbersAfter(start: RegExp, text: string): number[] {
  const match = start.exec(text)!;
  return text
    .slice(match.index + match[0].length)
    .split("\n")[0]
    .trim()
    .split(/\s+/)
    .map(Number);
}
