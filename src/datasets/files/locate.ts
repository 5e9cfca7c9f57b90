import { type Dirent, existsSync, readdirSync, realpathSync, type Stats, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { InputError } from "../../core/errors.ts";
import type { DatasetDefinition, FoundLayout } from "../types.ts";

/** How far below the data folder a data set's folder is looked for: a download tool's folder, its root, the layout. */
const DEEPEST = 3;
/** Enough for a folder of data sets; a home folder is not searched whole. */
const MOST_FOLDERS = 400;
/** No data set's folder: hidden, installed packages, class folders. */
const SKIPPED = /^(\..*|node_modules|__pycache__|\d+)$/;

/** What was found in a folder, and how near it is to where it should be. The least rank is taken. */
export interface Candidate<P extends FoundLayout> {
  rank: readonly number[];
  place: P;
}

/** A folder with what is in it, read once. */
export class Listing {
  readonly folder: string;
  /** Levels below the data folder. */
  readonly depth: number;
  /** Names of the folders in it, links to folders included. */
  readonly folders: string[] = [];
  private readonly names = new Set<string>();
  private readonly byLowerCase = new Map<string, string>();

  constructor(folder: string, depth = 0) {
    this.folder = folder;
    this.depth = depth;
    for (const entry of entriesOf(folder)) {
      this.names.add(entry.name);
      if (!this.byLowerCase.has(entry.name.toLowerCase())) this.byLowerCase.set(entry.name.toLowerCase(), entry.name);
      if (entry.isDirectory() || (entry.isSymbolicLink() && isFolder(join(folder, entry.name)))) {
        this.folders.push(entry.name);
      }
    }
  }

  /** Names of all else in it. */
  get files(): string[] {
    return [...this.names].filter((name) => !this.folders.includes(name));
  }

  /** The path of a file in it; one whose name differs in case only where there is none of that spelling. */
  file(name: string): string | null {
    const found = this.names.has(name) ? name : this.byLowerCase.get(name.toLowerCase());
    if (found === undefined || this.folders.includes(found)) return null;
    return join(this.folder, found);
  }
}

/** The data folder and the folders below it, nearest first, in the order of their names. */
export function foldersBelow(dataDir: string): Listing[] {
  const found = isFolder(dataDir) ? [new Listing(dataDir)] : [];
  for (const { folder, depth, folders } of found) {
    if (depth === DEEPEST) break;
    for (const name of folders) {
      if (found.length === MOST_FOLDERS) return found;
      if (!SKIPPED.test(name)) found.push(new Listing(join(folder, name), depth + 1));
    }
  }
  return found;
}

/** The folders above the data folder, nearest first. */
export function foldersAbove(dataDir: string, levels: number): string[] {
  const above = [resolve(dataDir)];
  while (above.length <= levels) above.push(dirname(above[above.length - 1]));
  return above.slice(1);
}

/**
 * The path of an entry below a folder. Where there is none of that spelling, one that differs in case only is taken.
 *
 * @param path parts separated by `/`. @returns null where there is none
 */
export function entryBelow(folder: string, path: string): string | null {
  const exact = join(folder, path);
  if (existsSync(exact)) return exact;
  let at = folder;
  for (const part of path.split("/")) {
    const wanted = part.toLowerCase();
    const name = existsSync(join(at, part))
      ? part
      : entriesOf(at).find((other) => other.name.toLowerCase() === wanted)?.name;
    if (name === undefined) return null;
    at = join(at, name);
  }
  return at;
}

/** As `entryBelow`, for files only. */
export function fileBelow(folder: string, path: string): string | null {
  const found = entryBelow(folder, path);
  return found && statsOf(found)?.isFile() ? found : null;
}

/** As `entryBelow`, for folders only. */
export function folderBelow(folder: string, path: string): string | null {
  const found = entryBelow(folder, path);
  return found && isFolder(found) ? found : null;
}

export function isFolder(path: string): boolean {
  return statsOf(path)?.isDirectory() === true;
}

/** null where it is not there or cannot be looked at, as a link that leads to itself: what is looked for may lie elsewhere. */
function statsOf(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}

/** A folder's entries in the order of their names; none where it cannot be read. */
function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return [];
  }
}

/** Whether a path is a folder or lies in it. Both are given as they are, links not followed. */
export function isWithin(path: string, folder: string): boolean {
  const way = relative(resolve(folder), resolve(path));
  return way.split(sep)[0] !== ".." && !isAbsolute(way);
}

/** The candidates of least rank: one, several that are equally near, or none. The same folder by two names counts once. */
export function nearest<P extends FoundLayout>(candidates: readonly Candidate<P>[]): P[] {
  const sorted = [...candidates].sort((a, b) => compare(a.rank, b.rank));
  const places = sorted.filter(({ rank }) => compare(rank, sorted[0].rank) === 0).map(({ place }) => place);
  const real = places.map(({ folder }) => realpathSync(folder));
  return places.filter((_, i) => real.indexOf(real[i]) === i);
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at < 0 ? 0 : a[at] - b[at];
}

/** @throws InputError where a data set was not found, or in several places that are equally near */
export function onlyPlace<P extends FoundLayout>(definition: Wanted, dataDir: string, places: readonly P[]): P {
  if (places.length === 1) return places[0];
  if (places.length === 0) throw notFound(definition, dataDir);
  const folders = places.slice(0, 3).map(({ folder }) => folder);
  throw new InputError(
    `${dataDir}: holds ${definition.name} ${places.length} times (${folders.join(", ")}); name one of them with --data`,
  );
}

type Wanted = Pick<DatasetDefinition, "name" | "layouts" | "downloads" | "otherArchives">;

/** Says what was looked for where, and how to get it. */
function notFound(definition: Wanted, dataDir: string): InputError {
  const { name, layouts } = definition;
  if (!existsSync(dataDir)) {
    return new InputError(`no ${name}: the data folder ${dataDir} does not exist; ${mendOf(definition, null)}`);
  }
  const archive = isFolder(dataDir) ? archiveIn(definition, dataDir) : null;
  return new InputError(
    `no ${name} in ${dataDir}: looked there and up to ${DEEPEST} folders below for ${layouts.join(", or ")}; ${mendOf(definition, archive)}`,
  );
}

/** How to get a data set. @param archive one that lies in the data folder */
function mendOf({ name, downloads, otherArchives }: Wanted, archive: string | null): string {
  if (downloads.length === 0 && otherArchives.length === 0) return "name the folder that holds it with --data";
  const mend = "name the folder that holds it with --data, or";
  return archive
    ? `${mend} unpack what lies there: 'bdefects data fetch ${name} --archive ${archive}'`
    : `${mend} run 'bdefects data fetch ${name}' (--archive FILE for one brought by hand)`;
}

function archiveIn({ downloads, otherArchives }: Wanted, dataDir: string): string | null {
  const known = [...downloads.map(({ url }) => basename(new URL(url).pathname)), ...otherArchives.map((a) => a.name)];
  const found = known.map((name) => fileBelow(dataDir, name)).find((path) => path !== null);
  return found ?? null;
}
