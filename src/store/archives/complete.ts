import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { InputError } from "../../core/errors.ts";
import { LAYOUT } from "../../records/places.ts";
import { listFolder, readBytes, withPath } from "../disk/fs.ts";

/** Writes down which files were unpacked into a folder, its manifest and this list excepted. @param files below it */
export function writeUnpacked(dir: string, files: readonly string[]): void {
  const path = join(dir, LAYOUT.unpacked);
  withPath(path, () => writeFileSync(path, `${JSON.stringify([...files].sort())}\n`));
}

/**
 * The first file that was unpacked into a folder and is not there, as far as names tell: folders are listed, and no file is
 * read but the list. Nothing was unpacked where that is missing or damaged.
 * @returns its path below the folder; null where all are there
 */
export function findMissing(dir: string): string | null {
  const listed = readUnpacked(join(dir, LAYOUT.unpacked));
  if (listed === null) return LAYOUT.unpacked;
  const folders = new Map<string, Set<string>>();
  const isThere = (path: string) => {
    const folder = dirname(path);
    const names = folders.get(folder) ?? new Set(listFolder(join(dir, folder)));
    folders.set(folder, names);
    return names.has(path.slice(path.lastIndexOf("/") + 1));
  };
  return [LAYOUT.manifest, ...listed].find((path) => !isThere(path)) ?? null;
}

/** Null where there is no list. */
function readUnpacked(path: string): string[] | null {
  try {
    const listed: unknown = JSON.parse(readBytes(path).toString("utf8"));
    const isList = Array.isArray(listed) && listed.every((name) => typeof name === "string");
    return isList ? listed : null;
  } catch (error) {
    if (error instanceof InputError || error instanceof SyntaxError) return null;
    throw error;
  }
}
