import { randomBytes } from "node:crypto";
import { closeSync, lstatSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../core/errors.ts";
import { HOST, isAlive, ownIdentity, type ProcessIdentity } from "../files/process-identity.ts";
import { temporaryName } from "../files/temporary.ts";
import { createAtomic, listFolder, removeFile, withPath, writeAtomic } from "./disk/fs.ts";

export interface ClaimTimes {
  /** How often the holder shows that it lives. */
  heartbeatMs: number;
  /** A claim without a heartbeat for so long may be taken over. */
  staleMs: number;
}

export const CLAIM_TIMES: ClaimTimes = { heartbeatMs: 2_000, staleMs: 60_000 };

interface Holder extends ProcessIdentity {
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
   * @throws InputError where the folder cannot be written, or a claim's time lies in the future.
   */
  static take(folder: string, name: string, times = CLAIM_TIMES): Claim | null {
    const flat = name.replaceAll("/", "~");
    const current = generations(folder, flat).at(-1);
    if (current !== undefined && !isFree(folder, claimPath(folder, flat, current), times)) return null;
    const generation = (current ?? -1) + 1;
    const token = randomBytes(16).toString("hex");
    const holder = { ...ownIdentity(), token, released: false };
    if (!createAtomic(claimPath(folder, flat, generation), `${JSON.stringify(holder)}\n`, folder)) return null;
    const all = generations(folder, flat);
    if (all.at(-1) !== generation) {
      // Others have gone past the claim that was found free.
      removeFile(claimPath(folder, flat, generation));
      return null;
    }
    for (const older of all.slice(0, -1)) dropOlder(claimPath(folder, flat, older));
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
  const names = new Set(listFolder(folder).flatMap((file) => CLAIM_FILE.exec(file)?.[1] ?? []));
  return [...names]
    .filter((name) => {
      const current = generations(folder, name).at(-1);
      return current !== undefined && !isFree(folder, claimPath(folder, name, current), times);
    })
    .map((name) => name.replaceAll("~", "/"));
}

/** Who holds a claim and in which file, for the message to whoever has to wait; empty where nobody does any more. */
export function holderOf(folder: string, name: string): string {
  const flat = name.replaceAll("/", "~");
  const current = generations(folder, flat).at(-1);
  if (current === undefined) return "";
  const path = claimPath(folder, flat, current);
  const holder = readHolder(path);
  if (!holder || holder.released) return "";
  const host = holder.host === HOST ? "" : ` on ${holder.host.split(" ")[0]}`;
  return ` (held by process ${holder.pid}${host}; if that has ended, remove ${path})`;
}

/** What `claimPath` makes; more digits than a number holds are no generation. */
const CLAIM_FILE = /^(.+)\.(0|[1-9]\d{0,14})$/;
/** A claim takes a few hundred bytes. */
const MOST_CLAIM_BYTES = 65_536;

function claimPath(folder: string, name: string, generation: number): string {
  return join(folder, `${name}.${generation}`);
}

/** The generations of a claim that exist, ascending. */
function generations(folder: string, name: string): number[] {
  return listFolder(folder)
    .flatMap((file) => {
      const match = CLAIM_FILE.exec(file);
      return match?.[1] === name ? [Number(match[2])] : [];
    })
    .sort((a, b) => a - b);
}

/**
 * Whether a claim is released, its process dead or its heartbeat silent; or nobody's, because no program of ours wrote
 * what lies there.
 */
function isFree(folder: string, path: string, times: ClaimTimes): boolean {
  const holder = readHolder(path);
  // Gone: somebody just went past it.
  if (holder === undefined) return false;
  if (holder === null || holder.released) return true;
  if (holder.host === HOST && !isAlive(holder)) return true;
  const beat = lstatSync(path, { throwIfNoEntry: false })?.mtimeMs;
  if (beat === undefined) return false;
  const silentMs = fileSystemNow(folder) - beat;
  if (silentMs >= -times.staleMs) return silentMs > times.staleMs;
  // The clock that stamps heartbeats made this one in the past, so no heartbeat did.
  throw new InputError(
    `${path}: a claim of ${new Date(beat).toISOString()}, which is in the future; if no other program works on this database, remove the file`,
  );
}

/** @returns undefined where there is no such file, null where it is none of ours: a folder, a link, other content. */
function readHolder(path: string): Holder | null | undefined {
  return withPath(path, () => {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (!found) return undefined;
    if (!found.isFile() || found.size > MOST_CLAIM_BYTES) return null;
    try {
      const holder = JSON.parse(readFileSync(path, "utf8")) as Partial<Holder> | null;
      return isHolder(holder) ? holder : null;
    } catch (error) {
      if (error instanceof SyntaxError) return null;
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  });
}

function isHolder(value: Partial<Holder> | null): value is Holder {
  if (typeof value !== "object" || value === null) return false;
  const { host, pid, started, released } = value;
  const isStart = started === null || typeof started === "string";
  return typeof host === "string" && Number.isSafeInteger(pid) && isStart && typeof released === "boolean";
}

/** What is no file of ours stays: it is never the highest generation again. */
function dropOlder(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile()) removeFile(path);
}

/** The time by the clock that stamps heartbeats; on a network file system that is not this machine's. */
function fileSystemNow(folder: string): number {
  const probe = join(folder, temporaryName());
  return withPath(folder, () => {
    writeFileSync(probe, "", { flag: "wx" });
    const { mtimeMs } = statSync(probe);
    rmSync(probe);
    return mtimeMs;
  });
}
