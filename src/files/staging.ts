import { randomBytes } from "node:crypto";
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, type Stats, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HOST, isAlive, ownIdentity, type ProcessIdentity } from "./process-identity.ts";
import { isOwnFolder } from "./temporary.ts";

/** The file that says whose a staging folder is; a folder without it is not ours. */
const MARKER = "bdefects-staging.json";
const FORMAT = "bdefects4nn-staging";
const CONTENT = "content";
const MOST_MARKER_BYTES = 4096;
const STAGING = /^.+-([1-9]\d{0,9})-[0-9a-f]{12}\.stage$/;
/** Of a maker on another machine, of which no pid tells anything: no work takes so long. */
const STALE_ELSEWHERE_MS = 7 * 24 * 3_600_000;
const LONGEST_LABEL = 60;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Staging folders of this process that are there now. */
const open = new Set<string>();

/**
 * Runs work with an empty folder in `parent` that goes away when the work has ended, failed or was interrupted. What
 * killed processes left in `parent` is removed first.
 *
 * @param label how the folder's name begins
 * @param work may move what it made out of the folder, or the folder itself
 * @throws what the file system throws where `parent` cannot be written, and what `work` throws
 */
export async function withStaging<T>(
  parent: string,
  label: string,
  work: (folder: string) => T | Promise<T>,
): Promise<T> {
  clearStaging(parent);
  const name = `${label.slice(0, LONGEST_LABEL)}-${process.pid}-${randomBytes(6).toString("hex")}.stage`;
  const stage = join(parent, name);
  mkdirSync(stage, { mode: 0o700 });
  enter(stage);
  try {
    writeFileSync(join(stage, MARKER), `${JSON.stringify({ format: FORMAT, ...ownIdentity() })}\n`, { flag: "wx" });
    const content = join(stage, CONTENT);
    mkdirSync(content);
    return await work(content);
  } finally {
    leave(stage);
  }
}

/**
 * Removes staging folders whose maker is gone. Only folders that carry our name and our marker and belong to this user;
 * never through a link.
 */
export function clearStaging(parent: string): void {
  let names: string[];
  try {
    names = readdirSync(parent);
  } catch {
    // Whoever writes there next says what is wrong.
    return;
  }
  for (const name of names) {
    const pid = STAGING.exec(name)?.[1];
    if (pid === undefined) continue;
    const path = join(parent, name);
    try {
      if (isAbandoned(path, Number(pid))) remove(path);
    } catch {
      // Another process clears it, or the system refuses: nothing depends on it.
    }
  }
}

function isAbandoned(stage: string, pid: number): boolean {
  if (!isOwnFolder(stage) || !isOurs(lstatSync(stage))) return false;
  const path = join(stage, MARKER);
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return removeEmpty(stage, pid);
  if (!found.isFile() || found.size > MOST_MARKER_BYTES || !isOurs(found)) return false;
  const marker = readFileSync(path, "utf8");
  if (isCut(marker)) return readdirSync(stage).length === 1 && !isAlive({ pid, started: null });
  const owner = JSON.parse(marker) as Partial<ProcessIdentity> & { format?: unknown };
  if (owner?.format !== FORMAT || owner.pid !== pid || typeof owner.host !== "string") return false;
  if (owner.host !== HOST) return found.mtimeMs < Date.now() - STALE_ELSEWHERE_MS;
  return !isAlive({ pid, started: typeof owner.started === "string" ? owner.started : null });
}

/** A kill while the marker was written leaves its beginning, and nothing beside it. */
function isCut(marker: string): boolean {
  const head = JSON.stringify({ format: FORMAT }).slice(0, -1);
  return head.startsWith(marker) || (marker.startsWith(head) && !marker.includes("}"));
}

/** A kill between making the folder and its marker leaves it empty; a full folder stops `rmdir`. */
function removeEmpty(stage: string, pid: number): false {
  if (!isAlive({ pid, started: null }) && readdirSync(stage).length === 0) rmdirSync(stage);
  return false;
}

function isOurs(found: Stats): boolean {
  return process.getuid === undefined || found.uid === process.getuid();
}

/** The marker last: whatever a kill leaves of the rest is still known as ours. */
function remove(stage: string): void {
  for (const path of [join(stage, CONTENT), stage]) rmSync(path, { recursive: true, force: true, maxRetries: 3 });
}

function enter(stage: string): void {
  if (open.size === 0) {
    for (const signal of SIGNALS) process.on(signal, interrupted);
    process.on("exit", removeOpen);
  }
  open.add(stage);
}

function leave(stage: string): void {
  remove(stage);
  open.delete(stage);
  if (open.size > 0) return;
  for (const signal of SIGNALS) process.off(signal, interrupted);
  process.off("exit", removeOpen);
}

function removeOpen(): void {
  for (const stage of open) {
    try {
      remove(stage);
    } catch {
      // The next start clears it.
    }
  }
  open.clear();
}

/** Cleans up, then ends as the signal would have ended the process, so that its parent sees why. */
function interrupted(signal: NodeJS.Signals): void {
  removeOpen();
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}
