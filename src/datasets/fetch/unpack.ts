import { createWriteStream, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { extract } from "tar";
import { openPromise } from "yauzl";
import { InputError } from "../../core/errors.ts";
import { reasonOf } from "../files.ts";
import type { Download } from "../types.ts";

/**
 * Unpacks an archive into an existing folder: plain files and folders only, none outside it.
 *
 * @param name of the archive, for messages
 * @throws InputError naming the archive and the entry at fault; what was unpacked until then stays for the caller to
 *   remove
 */
export async function unpack(kind: Download["archive"], path: string, folder: string, name: string): Promise<void> {
  try {
    await (kind === "zip" ? unpackZip(path, folder, name) : unpackTar(path, folder, name));
  } catch (error) {
    if (error instanceof InputError) throw error;
    const text = (error as NodeJS.ErrnoException).syscall ? reasonOf(error) : (error as Error).message;
    throw new InputError(`cannot unpack ${name}: ${text}`);
  }
}

/** Whether an entry's path stays below the folder on every system. */
function isSafe(path: string): boolean {
  if (path === "" || path.includes("\\") || path.includes("\0") || /^([a-z]:|\/)/i.test(path)) return false;
  return !path.split("/").includes("..");
}

function refuse(name: string, entry: string, why: string): InputError {
  return new InputError(`cannot unpack ${name}: its entry '${entry.slice(0, 200)}' ${why}`);
}

async function unpackTar(path: string, folder: string, name: string): Promise<void> {
  const faults: InputError[] = [];
  await extract({
    file: path,
    cwd: folder,
    strict: true,
    preserveOwner: false,
    noChmod: true,
    filter(entryPath, entry) {
      const type = "type" in entry ? entry.type : "File";
      if (!isSafe(entryPath)) faults.push(refuse(name, entryPath, "leads out of the folder"));
      else if (!["File", "OldFile", "ContiguousFile", "Directory", "GNUDumpDir"].includes(type)) {
        faults.push(refuse(name, entryPath, `is a ${type}, not a file or folder`));
      }
      return faults.length === 0;
    },
  });
  if (faults.length > 0) throw faults[0];
}

/** Unix file type bits in the upper half of a zip entry's external attributes. */
const TYPE_MASK = 0o170000;
const REGULAR = 0o100000;
const FOLDER = 0o040000;

async function unpackZip(path: string, folder: string, name: string): Promise<void> {
  const zip = await openPromise(path, { lazyEntries: true, autoClose: false });
  try {
    for await (const entry of zip.eachEntry()) {
      const { fileName } = entry;
      if (!isSafe(fileName)) throw refuse(name, fileName, "leads out of the folder");
      const type = (entry.externalFileAttributes >>> 16) & TYPE_MASK;
      if (type !== 0 && type !== REGULAR && type !== FOLDER) throw refuse(name, fileName, "is no file or folder");
      const target = join(folder, fileName);
      if (fileName.endsWith("/")) {
        mkdirSync(target, { recursive: true });
        continue;
      }
      mkdirSync(dirname(target), { recursive: true });
      // "wx": an entry never overwrites another.
      await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(target, { flags: "wx" }));
    }
  } finally {
    zip.close();
  }
}
