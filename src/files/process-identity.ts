import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** Which process made something: what tells later whether its maker still lives. */
export interface ProcessIdentity {
  host: string;
  pid: number;
  /** Start of the process, which tells a reused pid from the maker; null where the system does not say. */
  started: string | null;
}

/** This machine, boot and process namespace: only within one of them does a pid mean anything. */
export const HOST = hostIdentity();

/** The identity of this process. */
export function ownIdentity(): ProcessIdentity {
  return { host: HOST, pid: process.pid, started: startOf(process.pid) };
}

/** Whether the process of an identity on this host runs still; meaningless for one of another host. */
export function isAlive({ pid, started }: Pick<ProcessIdentity, "pid" | "started">): boolean {
  // Zero and negative numbers mean process groups to the system.
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  return started === null || startOf(pid) === started;
}

function hostIdentity(): string {
  const parts = [hostname()];
  try {
    parts.push(readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim(), readlinkSync("/proc/self/ns/pid"));
  } catch {
    // Not Linux: the host's name must do.
  }
  return parts.join(" ");
}

/**
 * When a process started, in the kernel's ticks since boot; null where that is unknown. A process that has ended and
 * only waits to be collected (in a container perhaps for ever) has no start either: whoever it was, it is gone.
 */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The command's name, in parentheses, may hold anything: count fields from its end.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? null : fields[19];
  } catch {
    return null;
  }
}
