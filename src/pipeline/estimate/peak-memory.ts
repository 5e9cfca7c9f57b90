import { readFileSync } from "node:fs";

/**
 * The most memory that this process has held, in bytes. Linux's `maxRSS` begins with what the parent held when it started the process,
 * so a small program of a large one would be told as large.
 */
export function peakMemory(): number {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))![1]) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}
