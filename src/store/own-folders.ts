import { lstatSync, readdirSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { InputError } from "../core/errors.ts";
import { isTemporaryName } from "../files/temporary.ts";
import { isDefectOf, LAYOUT } from "../records/places.ts";
import { readBytes, withPath } from "./disk/fs.ts";

/** Folders of a database, and how many levels of folders lie below them. */
const DEPTHS: Record<string, number> = {
  [LAYOUT.clean]: 0,
  [LAYOUT.defects]: 1,
  [LAYOUT.foreign]: 0,
  [LAYOUT.objects]: 1,
  [LAYOUT.results]: 4,
  [LAYOUT.claims]: 0,
  [LAYOUT.tmp]: 0,
  [LAYOUT.jobs]: 0,
};

/**
 * Holds a database's folders against being links: what is written or deleted there has to be the database's own.
 * @throws InputError naming the first link
 */
export function assertOwnFolders(dir: string): void {
  for (const [part, depth] of Object.entries(DEPTHS)) {
    const path = join(dir, part);
    const found = withPath(path, () => lstatSync(path, { throwIfNoEntry: false }));
    if (found?.isSymbolicLink()) throw linked(path);
    if (found?.isDirectory()) assertNoLinks(path, depth);
  }
}

function assertNoLinks(folder: string, depth: number): void {
  if (depth === 0) return;
  for (const entry of withPath(folder, () => readdirSync(folder, { withFileTypes: true }))) {
    const path = join(folder, entry.name);
    if (entry.isSymbolicLink()) throw linked(path);
    if (entry.isDirectory()) assertNoLinks(path, depth - 1);
  }
}

/**
 * Holds the way from a folder to a file of ours below it against links; the folder itself may be one.
 * @throws InputError naming the first link
 */
export function assertOwnPath(dir: string, file: string): void {
  let path = dir;
  for (const step of relative(dir, file).split(sep)) {
    path = join(path, step);
    const found = withPath(path, () => lstatSync(path, { throwIfNoEntry: false }));
    if (!found) return;
    if (found.isSymbolicLink()) throw linked(path);
  }
}

function linked(path: string): InputError {
  return new InputError(
    `${path}: is a symbolic link; nothing is written or deleted through links: put a folder or file of its own in its place`,
  );
}

const HEX = /^[0-9a-f]{64}$/;
const CLEAN_FILE = /^[a-z0-9]+-[a-z0-9]+-s\d+(\.checkpoint)?\.json$/;
const DEFECT_FILE = /^(.+?)(\.labels)?\.json$/;
const FOREIGN_FILE = /^[a-z0-9-]+\.json$/;
const RESULT_FILE = /^[a-z0-9][a-z0-9_.-]*\.(json|parquet|safetensors)$/i;
const CLAIM_FILE = /^.+\.\d+$/;
const JOB_FOLDER = /^bdefects-[0-9a-f]{12}$/;
/** A folder of files that `SetAside` keeps. */
export const ASIDE_NAME = /^prune-([1-9]\d{0,9})-[0-9a-f]{12}$/;
const REPORT_HASH = /<!-- sha256:[0-9a-f]{64} -->\s*$/;

/** Which files a part may hold, by their path's parts below it. */
const FILES: Record<string, (parts: string[]) => boolean> = {
  [LAYOUT.clean]: ([name, ...more]) => more.length === 0 && CLEAN_FILE.test(name),
  [LAYOUT.defects]: ([group, name, ...more]) =>
    more.length === 0 && name !== undefined && isDefectOf(group, DEFECT_FILE.exec(name)?.[1] ?? ""),
  [LAYOUT.foreign]: ([name, ...more]) => more.length === 0 && FOREIGN_FILE.test(name),
  [LAYOUT.objects]: ([folder, name, ...more]) =>
    more.length === 0 && name !== undefined && HEX.test(name) && name.startsWith(folder),
  [LAYOUT.results]: (parts) =>
    parts.length === 1
      ? RESULT_FILE.test(parts[0]) && parts[0].endsWith(".parquet")
      : ["localize", "repair", "study"].includes(parts[0]) && parts.length <= 5 && RESULT_FILE.test(parts.at(-1)!),
  [LAYOUT.claims]: ([name, ...more]) => more.length === 0 && (CLAIM_FILE.test(name) || isTemporaryName(name)),
  [LAYOUT.tmp]: ([name]) => isTemporaryName(name) || ASIDE_NAME.test(name),
  [LAYOUT.jobs]: ([folder, name]) => JOB_FOLDER.test(folder) && name !== undefined,
};

/**
 * The first path in a folder, below it, that no database of ours made; null where all is ours or the folder is empty. It
 * decides whether a folder without a manifest may become a database.
 */
export function findUnknown(dir: string): string | null {
  const walk = (parts: string[]): string | null => {
    const folder = join(dir, ...parts);
    for (const entry of withPath(folder, () => readdirSync(folder, { withFileTypes: true }))) {
      const below = [...parts, entry.name];
      if (entry.isDirectory()) {
        // Folders that nothing lies in hold nothing of anybody's.
        const found = below.length === 1 && !Object.hasOwn(FILES, entry.name) ? entry.name : walk(below);
        if (found !== null) return found;
      } else if (!entry.isFile() || !isOwnFile(dir, below)) return below.join("/");
    }
    return null;
  };
  return walk([]);
}

/** Whether a file of a database may lie at a path below its folder, by its names alone. */
export function isOwnPlace([part, ...below]: string[]): boolean {
  return below.length > 0 && Object.hasOwn(FILES, part) && FILES[part](below);
}

function isOwnFile(dir: string, parts: string[]): boolean {
  if (parts.length > 1) return isOwnPlace(parts);
  if (parts[0] === LAYOUT.report) return REPORT_HASH.test(readBytes(join(dir, parts[0])).toString("latin1"));
  return parts[0] === LAYOUT.journal && isJournal(readBytes(join(dir, parts[0])));
}

function isJournal(bytes: Buffer): boolean {
  try {
    const [first] = bytes.toString("utf8").split("\n", 1);
    return typeof (JSON.parse(first) as { event?: unknown } | null)?.event === "string";
  } catch {
    return false;
  }
}
