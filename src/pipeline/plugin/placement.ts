import { existsSync, realpathSync, statSync } from "node:fs";
import { delimiter, isAbsolute, relative, resolve, sep } from "node:path";

/** Where a plug-in runs, and what it does not see. */
export interface Placement {
  words: string[];
  place: string;
  hidden: string[];
}

/**
 * A plug-in runs where this program was started, unless that is inside a folder that it may not see: then in its own folder,
 * with the files of its command by their full paths.
 *
 * @param unseen the database and the results. One that does not exist, or that holds the command's own files, is not hidden.
 * @param needed what must stay visible besides: the suspect's folder, the programs
 */
export function placementOf(
  words: readonly string[],
  folder: string,
  unseen: readonly string[],
  needed: readonly string[],
): Placement {
  const full = words.map((word, i) => fullPath(word, i === 0));
  const files = full.filter((word) => isAbsolute(word) && isFile(word));
  const used = [folder, ...needed, ...files, ...(process.env.PATH ?? "").split(delimiter)];
  const real = used.filter((path) => path !== "" && existsSync(path)).map((path) => realpathSync(path));
  const candidates = [...new Set(unseen.filter((path) => existsSync(path)).map((path) => realpathSync(path)))];
  const hidden = candidates
    .filter((path) => !real.some((one) => isInside(one, path)))
    .filter((path, _, all) => !all.some((other) => other !== path && isInside(path, other)));
  const here = process.cwd();
  // A folder that cannot be hidden is left too: its path is told to nobody.
  if (candidates.some((path) => isInside(realpathSync(here), path))) return { words: full, place: folder, hidden };
  return { words: [...words], place: here, hidden };
}

/** A word that names a file, relative to this program's folder, by its full path. A program without a slash is looked up. */
function fullPath(word: string, isProgram: boolean): string {
  if (isProgram && !/[\\/]/.test(word)) return word;
  try {
    return existsSync(word) ? resolve(word) : word;
  } catch {
    return word;
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}
