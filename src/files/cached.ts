import { createHash } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { clearTemporaries, temporaryName } from "./temporary.ts";

const CHECKSUM_BYTES = 32;
const HOUR_MS = 3_600_000;

/**
 * Bytes that take long to make, kept in a file with their SHA-256 behind them. A file that is damaged, cut or of another length is made
 * again. Where the folder cannot be written, the bytes are made each time: a cache only saves time.
 *
 * @param folder made where it is missing; null keeps nothing
 * @param name says everything that the bytes depend on
 * @param length of the bytes
 */
export function cachedBytes(folder: string | null, name: string, length: number, make: () => Uint8Array): Uint8Array {
  if (folder === null) return make();
  const path = join(folder, name);
  const kept = read(path, length);
  if (kept) return kept;
  const bytes = make();
  write(folder, path, bytes);
  return bytes;
}

function read(path: string, length: number): Uint8Array | null {
  try {
    const found = lstatSync(path);
    if (!found.isFile() || found.size !== length + CHECKSUM_BYTES) return null;
    const bytes = readFileSync(path);
    const content = bytes.subarray(0, length);
    return checksum(content).equals(bytes.subarray(length)) ? content : null;
  } catch {
    return null;
  }
}

function write(folder: string, path: string, bytes: Uint8Array): void {
  const temporary = join(folder, temporaryName());
  try {
    makeFolder(folder);
    clearTemporaries(folder, HOUR_MS);
    writeFileSync(temporary, Buffer.concat([bytes, checksum(bytes)]), { flag: "wx" });
    renameSync(temporary, path);
  } catch {
    removeQuietly(temporary);
  }
}

function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Its folder is no folder, or cannot be written.
  }
}

/** One level after the other: Node's recursive mkdir never returns where the file system answers ENOENT, as /proc does. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  try {
    mkdirSync(folder);
  } catch (error) {
    // Another process may have been faster.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

function checksum(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}
