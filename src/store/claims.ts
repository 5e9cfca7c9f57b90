import { randomBytes } from "node:crypto";
import { closeSync, openSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { createAtomic, listFolder, withPath, writeAtomic } from "./fs.ts";

export interface ClaimTimes {
  /** How often the holder shows that it lives. */
  heartbeatMs: number;
  /** A claim without a heartbeat for so long may be taken over. */
  staleMs: number;
}

export const CLAIM_TIMES: ClaimTimes = { heartbeatMs: 2_000, staleMs: 60_000 };

interface Holder {
  host: string;
  pid: number;
  /** Start of the process, which tells a reused pid from the holder; null where the system does not say. */
  started: string | null;
  token: string;
  released: boolean;
}

/**
 * A piece of work held by one process. The work `name` has files `name.<generation>`; the holder is who created the
 * highest generation. A free or stale claim is taken by creating the next generation exclusively, which one taker
 * alone can do, and a released one stays behind as a tombstone; nobody ever deletes the highest generation, so two
 * takers who both found the same claim stale never both hold it.
 */
export class Claim {
  private readonly folder: string;
  private readonly name: string;
  private readonly generation: number;
  private readonly holder: Holder;
  private readonly timer: NodeJS.Timeout;

  private constructor(folder: string, name: string, generation: number, holder: Holder, times: ClaimTimes) {
    this.folder = folder;
    this.name = name;
    this.generation = generation;
    this.holder = holder;
    this.timer = setInterval(() => this.beat(), times.heartbeatMs);
    this.timer.unref();
  }

  /**
   * Takes a claim.
   * @param name of the work, e.g. a defect's id; slashes are allowed
   * @returns null where another process (or this one) holds it.
   * @throws InputError where the folder cannot be written.
   */
  static take(folder: string, name: string, times = CLAIM_TIMES): Claim | null {
    const flat = name.replaceAll("/", "~");
    const current = generations(folder, flat).at(-1);
    if (current !== undefined && !isFree(folder, claimPath(folder, flat, current), times)) return null;
    const generation = (current ?? -1) + 1;
    const token = randomBytes(16).toString("hex");
    const holder = { host: HOST, pid: process.pid, started: startOf(process.pid), token, released: false };
    if (!createAtomic(claimPath(folder, flat, generation), `${JSON.stringify(holder)}\n`, folder)) return null;
    const all = generations(folder, flat);
    if (all.at(-1) !== generation) {
      // Others have gone past the claim that was found free.
      rmSync(claimPath(folder, flat, generation), { force: true });
      return null;
    }
    for (const older of all.slice(0, -1)) rmSync(claimPath(folder, flat, older), { force: true });
    return new Claim(folder, flat, generation, holder, times);
  }

  /** Whether the claim is still this holder's: a process that was suspended may have lost it. Ask before committing. */
  held(): boolean {
    return generations(this.folder, this.name).at(-1) === this.generation;
  }

  /** Gives the work free for others. Safe to repeat. */
  release(): void {
    clearInterval(this.timer);
    if (!this.held()) return;
    const tombstone = `${JSON.stringify({ ...this.holder, released: true })}\n`;
    writeAtomic(claimPath(this.folder, this.name, this.generation), tombstone, this.folder);
  }

  /** Rewrites the file in place, so that the file system's own clock stamps it, also across machines. */
  private beat(): void {
    try {
      const file = openSync(claimPath(this.folder, this.name, this.generation), "r+");
      try {
        writeSync(file, `${JSON.stringify(this.holder)}\n`, 0);
      } finally {
        closeSync(file);
      }
    } catch {
      // Lost, or the disk is in trouble: `held` and the next write tell.
    }
  }
}

/** The work that somebody holds: names whose claim is neither released nor stale. */
export function heldClaims(folder: string, times = CLAIM_TIMES): string[] {
  const names = new Set(listFolder(folder).flatMap((file) => /^(.+)\.\d+$/.exec(file)?.[1] ?? []));
  return [...names]
    .filter((name) => {
      const current = generations(folder, name).at(-1);
      return current !== undefined && !isFree(folder, claimPath(folder, name, current), times);
    })
    .map((name) => name.replaceAll("~", "/"));
}

const HOST = hostIdentity();

/** Tells machines, reboots and process namespaces apart: only within one of them does a pid mean anything. */
function hostIdentity(): string {
  const parts = [hostname()];
  try {
    parts.push(readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim(), readlinkSync("/proc/self/ns/pid"));
  } catch {
    // Not Linux: the host's name must do.
  }
  return parts.join(" ");
}

function claimPath(folder: string, name: string, generation: number): string {
  return join(folder, `${name}.${generation}`);
}

/** The generations of a claim that exist, ascending. */
function generations(folder: string, name: string): number[] {
  return listFolder(folder)
    .filter((file) => file.startsWith(`${name}.`) && /^\d+$/.test(file.slice(name.length + 1)))
    .map((file) => Number(file.slice(name.length + 1)))
    .sort((a, b) => a - b);
}

/** Whether a claim is released, its process dead or its heartbeat silent. */
function isFree(folder: string, path: string, times: ClaimTimes): boolean {
  let holder: Holder;
  let beat: number;
  try {
    holder = JSON.parse(readFileSync(path, "utf8")) as Holder;
    beat = statSync(path).mtimeMs;
  } catch (error) {
    // Gone: somebody just went past it. Unreadable content: damaged, so nobody's.
    return error instanceof SyntaxError;
  }
  if (holder.released) return true;
  if (holder.host === HOST && !isAlive(holder)) return true;
  return fileSystemNow(folder) - beat > times.staleMs;
}

/** The time by the clock that stamps heartbeats; on a network file system that is not this machine's. */
function fileSystemNow(folder: string): number {
  const probe = join(folder, `${process.pid}-${randomBytes(6).toString("hex")}`);
  return withPath(folder, () => {
    writeFileSync(probe, "");
    const { mtimeMs } = statSync(probe);
    rmSync(probe);
    return mtimeMs;
  });
}

function isAlive({ pid, started }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  return started === null || startOf(pid) === started;
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
