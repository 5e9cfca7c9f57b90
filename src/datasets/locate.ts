import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import { InputError } from "../core/errors.ts";

/** One way in which people keep a data set. */
export interface Layout {
  name: string;
  /** Paths of which one must be there, relative to the folder that holds the data set. */
  anchors: readonly string[];
}

/** More folders than this in a data folder are not looked into. */
const MOST_FOLDERS = 200;

/**
 * Finds a data set at the folder that was named, in a folder of it, or around it: people name the data set's own folder, its
 * parent, or a folder inside. Whether letters are small or large makes no difference.
 *
 * @param dataDir the folder that was named
 * @returns the layout, and the folder that its paths start from; null where there is none
 */
export function locate<L extends Layout>(dataDir: string, layouts: readonly L[]): { layout: L; base: string } | null {
  const named = resolve(dataDir);
  const above = [dirname(named), dirname(dirname(named))];
  for (const base of [named, ...foldersIn(named), ...above]) {
    for (const layout of layouts) {
      const found = layout.anchors.map((anchor) => within(base, anchor)).find((path) => path !== null);
      // What lies around the folder that was named counts where it leads through that folder.
      if (found && `${found}${sep}`.startsWith(`${named}${sep}`)) return { layout, base };
    }
  }
  return null;
}

/** A path below a folder, whatever the case of its letters; null where there is none. */
export function within(base: string, path: string): string | null {
  const exact = join(base, path);
  if (existsSync(exact)) return exact;
  let at = base;
  for (const part of path.split("/")) {
    const wanted = part.toLowerCase();
    const name = part === ".." ? ".." : namesIn(at).find((entry) => entry.toLowerCase() === wanted);
    if (name === undefined) return null;
    at = join(at, name);
  }
  return existsSync(at) ? at : null;
}

/** The first of several paths that is there. */
export function firstWithin(base: string, paths: readonly string[]): string | null {
  for (const path of paths) {
    const found = within(base, path);
    if (found !== null) return found;
  }
  return null;
}

/** What was looked for where, and the mend. */
export function notFound(dataset: string, dataDir: string, layouts: readonly Layout[]): InputError {
  const [first, ...others] = layouts.map(({ anchors }) => anchors[0]);
  return new InputError(
    `no ${join(dataDir, first)}: looked there, in its folders and around it, also for ${others.join(", ")}; run 'bdefects data fetch ${dataset}' or name the folder that holds the data with --data`,
  );
}

function foldersIn(folder: string): string[] {
  return namesIn(folder)
    .map((name) => join(folder, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory())
    .slice(0, MOST_FOLDERS);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    // It cannot be looked into; whoever needs it is told so when it is read.
    return [];
  }
}
