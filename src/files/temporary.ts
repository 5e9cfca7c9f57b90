import { randomBytes } from "node:crypto";
import { lstatSync, readdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { isAlive } from "./process-identity.ts";

/** `<pid>-<12 hex digits>`, with the endings of a catalog where DuckDB writes it. */
const TEMPORARY = /^([1-9]\d{0,9})-[0-9a-f]{12}(\.duckdb(\.wal)?)?$/;

/** A new name for a temporary file of this process. @param ending such as `.duckdb` */
export function temporaryName(ending = ""): string {
  return `${process.pid}-${randomBytes(6).toString("hex")}${ending}`;
}

/** Whether `temporaryName` could have made a name. */
export function isTemporaryName(name: string): boolean {
  return TEMPORARY.test(name);
}

/**
 * Deletes what killed writers left in a folder of temporary files: plain files under a name of `temporaryName` that were
 * last written longer ago than `ageMs` and whose writer does not run here. Anything else, links too, is left alone.
 */
export function clearTemporaries(folder: string, ageMs: number): void {
  if (!isOwnFolder(folder)) return;
  const before = Date.now() - ageMs;
  for (const name of readdirSync(folder)) {
    const writer = TEMPORARY.exec(name)?.[1];
    if (writer === undefined || isAlive({ pid: Number(writer), started: null })) continue;
    const path = join(folder, name);
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found?.isFile() && found.mtimeMs < before) removeFile(path);
  }
}

/** Whether a path is a folder and no link to one. */
export function isOwnFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Another process may clear at the same time. */
function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
