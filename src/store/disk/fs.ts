import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { InputError } from "../../core/errors.ts";
import { temporaryName } from "../../files/temporary.ts";

/** What the user can do about a failure of the file system, by its code. */
const MENDS: Record<string, string> = {
  ENOSPC: "the disk is full; free space and run the same command again",
  EDQUOT: "the disk quota is used up; free space and run the same command again",
  EFBIG: "the file grows beyond what the file system allows; use another disk",
  EROFS: "the file system is read-only; name a folder that can be written",
  EACCES: "permission denied; change the permissions or name another folder",
  EPERM: "operation not permitted; change the permissions or name another folder",
  ENOTDIR: "part of this path is a file, not a folder; name a folder",
  EISDIR: "is a folder where a file was expected",
  ENOENT: "no such file or folder",
  EEXIST: "exists already",
  ENAMETOOLONG: "the path is too long; name a shorter one",
  ELOOP: "too many symbolic links",
  EMFILE: "too many open files; raise the limit (ulimit -n)",
  EIO: "the disk reports a read or write error",
  EXDEV: "lies on another file system than its database",
  EBUSY: "is in use by another program",
  ETXTBSY: "is in use by another program",
};

/** Runs file-system work on `path`; its failures become InputError with the mend, anything else passes. */
export function withPath<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw asInputError(error, path);
  }
}

/** Translates an error of the file system; other errors are returned as they are. */
export function asInputError(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const mend = code === undefined ? undefined : MENDS[code];
  return mend === undefined ? error : new InputError(`${path}: ${mend}`, { cause: error });
}

/** What one buffer can hold on every system. */
const MOST_BYTES = 2 ** 31 - 1;

/** The bytes of a plain file, at most so many. @throws InputError on anything else: a pipe, for one, would never end. */
export function readBytes(path: string, most = MOST_BYTES): Buffer {
  const bytes = plainFileBytes(path);
  if (bytes > most) throw new InputError(`${path}: has ${bytes} bytes; no file here is so large`);
  return withPath(path, () => readFileSync(path));
}

/** The size of a plain file. @throws InputError on anything else: opening a pipe, for one, may never end. */
export function plainFileBytes(path: string): number {
  return withPath(path, () => {
    const found = statSync(path);
    if (found.isDirectory()) throw new InputError(`${path}: ${MENDS.EISDIR}`);
    if (!found.isFile()) throw new InputError(`${path}: is no plain file`);
    return found.size;
  });
}

/** Whether a path exists; a path through a file does not. */
export function exists(path: string): boolean {
  return withPath(path, () => {
    try {
      return statSync(path, { throwIfNoEntry: false }) !== undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOTDIR") return false;
      throw error;
    }
  });
}

/** Whether a path is a symbolic link, wherever that leads. */
export function isLink(path: string): boolean {
  return withPath(path, () => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false);
}

/**
 * Makes a folder and those above it. Node's own recursive mkdir never returns where the file system answers ENOENT to
 * making a folder (as /proc does).
 */
export function makeFolder(path: string): void {
  withPath(path, () => {
    const missing: string[] = [];
    for (let at = resolve(path); !exists(at); at = dirname(at)) missing.push(at);
    for (const folder of missing.reverse()) {
      try {
        mkdirSync(folder);
      } catch (error) {
        // Another process may have been faster.
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
    }
    if (!statSync(path).isDirectory()) throw new InputError(`${path}: is a file, not a folder; name a folder`);
  });
}

/**
 * Whether a folder could be made or written, found out without writing: before the work whose result goes there.
 * @throws InputError where it, or the nearest one above that is there, is a file or cannot be written
 */
export function assertMayWrite(path: string): void {
  let above = resolve(path);
  while (!exists(above)) above = dirname(above);
  withPath(above, () => {
    if (!statSync(above).isDirectory()) throw new InputError(`${above}: is a file, not a folder; name a folder`);
    accessSync(above, constants.W_OK);
  });
}

/** The names in a folder, sorted; none where there is no such folder or it is a file. */
export function listFolder(path: string): string[] {
  return withPath(path, () => {
    try {
      return readdirSync(path).sort();
    } catch (error) {
      if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
      throw error;
    }
  });
}

/**
 * Deletes a file of ours, where there is one.
 * @throws InputError where a folder, a link or anything else but a plain file lies there; it is left alone.
 */
export function removeFile(path: string): void {
  withPath(path, () => {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (!found) return;
    if (!found.isFile()) throw new InputError(`${path}: is no plain file, so it is left alone; move it elsewhere`);
    try {
      unlinkSync(path);
    } catch (error) {
      // Another process may have been faster.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  });
}

/**
 * Writes a file so that at any moment it is absent, old or whole: into a temporary file on the same file system,
 * flushed, renamed over the target, and the folder flushed.
 *
 * @param tmpDir where the temporary file goes; left-overs of a killed writer there are harmless.
 * @throws InputError with the mend where the file system refuses; the target is then as before.
 */
export function writeAtomic(path: string, bytes: Uint8Array | string, tmpDir: string): void {
  viaTemporary(path, bytes, tmpDir, (temporary) => renameSync(temporary, path));
}

/** As `writeAtomic`, for a file that must not exist yet. @returns false where it does. */
export function createAtomic(path: string, bytes: Uint8Array | string, tmpDir: string): boolean {
  let created = true;
  viaTemporary(path, bytes, tmpDir, (temporary) => {
    try {
      linkSync(temporary, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      created = false;
    }
    rmSync(temporary);
  });
  return created;
}

function viaTemporary(
  path: string,
  bytes: Uint8Array | string,
  tmpDir: string,
  place: (temporary: string) => void,
): void {
  const temporary = join(tmpDir, temporaryName());
  withPath(path, () => {
    makeFolder(dirname(path));
    makeFolder(tmpDir);
    try {
      const file = openSync(temporary, "wx");
      try {
        writeFileSync(file, bytes);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      place(temporary);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
    syncFolder(dirname(path));
  });
}

/** Flushes a folder's entries, so that a rename outlives a power cut; where folders cannot be opened, nothing. */
export function syncFolder(path: string): void {
  try {
    const folder = openSync(path, "r");
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  } catch (error) {
    if (!["EISDIR", "EPERM", "EINVAL", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}
