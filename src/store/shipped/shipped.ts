import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { InputError } from "../../core/errors.ts";
import { unpackedDir } from "../../files/user-cache.ts";
import { findMissing } from "../archives/complete.ts";
import { type Archives, findArchives, isUnpackedName } from "../archives/find.ts";
import { ARCHIVE_SUFFIX, SUMS } from "../archives/sums.ts";
import { exists } from "../disk/fs.ts";
import { restoreMend } from "../disk/restore.ts";
import { Layout } from "../layout.ts";
import { isSample, SAMPLE } from "./sample.ts";

/** The databases that live as archives beside the program, by the name that `--db` takes. */
const ARCHIVED: ReadonlyMap<string, { archives: number; variable: string }> = new Map([
  // One for each of three data sets and four architectures.
  ["whole", { archives: 12, variable: "BDEFECTS_WHOLE" }],
  ["lanes", { archives: 1, variable: "BDEFECTS_LANES" }],
  // Glosses by two networks, and film reviews.
  ["text", { archives: 3, variable: "BDEFECTS_TEXT" }],
]);

/** Their names, in the order of messages. */
export const ARCHIVED_NAMES: readonly string[] = [...ARCHIVED.keys()];

/** Of archives in a message. */
const MOST_NAMES = 3;

const IN_REPOSITORY = fileURLToPath(new URL("../../../database", import.meta.url));

/** Whether `--db` means one of these. */
export function isArchived(name: string): boolean {
  return ARCHIVED.has(name);
}

/** How many archives one of them has when all are there. */
export function archivesOf(name: string): number {
  return ARCHIVED.get(name)!.archives;
}

/** Where one's archives lie: in the repository, unless the environment names another folder. */
export function archivesDir(name: string): string {
  return process.env[ARCHIVED.get(name)!.variable] || join(IN_REPOSITORY, name);
}

/** The databases that come with the program and that nothing may change, by the name that `--db` takes; null: another one. */
export function shippedName(dir: string): string | null {
  if (isSample(dir)) return SAMPLE;
  const path = resolve(dir);
  if (dirname(path) !== unpackedDir()) return null;
  return ARCHIVED_NAMES.find((name) => isUnpackedName(basename(path), name)) ?? null;
}

/**
 * Holds the folder of an archived database against what was unpacked into it; any other folder passes.
 * @throws InputError naming what is missing and the mend
 */
export function assertUnpackedWhole(dir: string): void {
  const name = shippedName(dir);
  if (name === null || !isArchived(name)) return;
  const missing = findMissing(dir);
  if (missing === null) return;
  throw new InputError(`${dir}: '${missing}' is missing; ${restoreMend(join(dir, missing))}`);
}

/** Where an archived database is unpacked, if the archives that are there were unpacked before; else null. Writes nothing. */
export function unpacked(name: string): string | null {
  const { present, database } = found(name);
  return present.size > 0 && exists(new Layout(database).path("manifest")) ? database : null;
}

/**
 * The folder of an archived database, unpacked into the user's cache on first use from the archives that are there, and again
 * where files of it are missing.
 *
 * @param told is called while it is unpacked
 * @param note is told where archives are missing, and where files were
 * @throws InputError where there is none, or one is damaged
 */
export async function openArchived(
  name: string,
  told?: (done: number, total: number, what: string) => void,
  note: (message: string) => void = () => undefined,
): Promise<string> {
  const archives = found(name);
  const { dir, present, database } = archives;
  if (present.size === 0) {
    const sums = join(dir, SUMS);
    const isGone = exists(dir) && !exists(sums);
    if (isGone || archives.unlisted.length > 0) {
      const fault = isGone ? "is missing" : `does not list ${namesOf(archives.unlisted)}`;
      throw new InputError(`--db ${name}: ${sums} ${fault}; restore it from the repository`);
    }
    throw new InputError(
      `--db ${name}: there is no archive in ${dir}; they come with the repository, not with the package: name their folder with ${ARCHIVED.get(name)!.variable}`,
    );
  }
  const missing = findMissing(database);
  if (missing !== null) {
    const remained = exists(database);
    // Every start of the program reads this file, and few need what unpacks.
    const { unpackArchives } = await import("../archives/unpack.ts");
    await unpackArchives(archives, name, told);
    if (remained) note(`${name}: '${missing}' was missing in ${database}: the archives were unpacked anew`);
  }
  const all = archivesOf(name);
  if (present.size < all) note(`${name}: ${present.size} of ${all} archives are ${shortfall(archives)}`);
  return database;
}

/** Why not all archives are opened, and the mend, as far as names are known. */
function shortfall({ missing, unlisted }: Archives): string {
  if (unlisted.length > 0) return `opened: ${SUMS} does not list ${namesOf(unlisted)}; restore it from the repository`;
  return missing.length > 0
    ? `here: ${namesOf(missing)} ${missing.length > 1 ? "are" : "is"} missing; restore from the repository`
    : "here";
}

/** The names of archives for a message, the first few. */
function namesOf(pairs: readonly string[]): string {
  const names = pairs.slice(0, MOST_NAMES).map((pair) => pair + ARCHIVE_SUFFIX);
  const more = pairs.length - names.length;
  return `${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function found(name: string): Archives {
  return findArchives(archivesDir(name), name, unpackedDir());
}
