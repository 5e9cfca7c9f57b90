import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { InputError } from "../../core/errors.ts";
import { userCache } from "../../files/user-cache.ts";
import { type Archives, findArchives, isUnpackedName } from "../archives/find.ts";
import { SUMS } from "../archives/sums.ts";
import { exists } from "../disk/fs.ts";
import { Layout } from "../layout.ts";
import { isSample, SAMPLE } from "./sample.ts";

/** The name of the database that lives as archives beside the program, for `--db`. */
export const WHOLE = "whole";

/** How many archives it has when all are there: one for each of three data sets and four architectures. */
export const WHOLE_ARCHIVES = 12;

const IN_REPOSITORY = fileURLToPath(new URL("../../../database/whole", import.meta.url));

/** Where its archives lie: in the repository, unless BDEFECTS_WHOLE names another folder. */
export function wholeArchivesDir(): string {
  return process.env.BDEFECTS_WHOLE || IN_REPOSITORY;
}

/** The databases that come with the program and that nothing may change, by the name that `--db` takes; null: another one. */
export function shippedName(dir: string): typeof SAMPLE | typeof WHOLE | null {
  if (isSample(dir)) return SAMPLE;
  const path = resolve(dir);
  return dirname(path) === unpackedDir() && isUnpackedName(basename(path), WHOLE) ? WHOLE : null;
}

/** Where `whole` is unpacked, if the archives that are there were unpacked before; else null. Writes nothing. */
export function unpackedWhole(): string | null {
  const { present, database } = whole();
  return present.size > 0 && exists(new Layout(database).path("manifest")) ? database : null;
}

/**
 * The folder of `whole`, unpacked into the user's cache on first use from the archives that are there.
 *
 * @param told is called while it is unpacked
 * @param note is told where archives are missing
 * @throws InputError where there is none, or one is damaged
 */
export async function openWhole(
  told?: (done: number, total: number, what: string) => void,
  note: (message: string) => void = () => undefined,
): Promise<string> {
  const archives = whole();
  const { dir, present, database } = archives;
  if (present.size === 0) {
    if (exists(dir) && !exists(join(dir, SUMS))) {
      throw new InputError(`--db ${WHOLE}: ${join(dir, SUMS)} is missing; restore it from the repository`);
    }
    throw new InputError(
      `--db ${WHOLE}: there is no archive in ${dir}; they come with the repository, not with the package: name their folder with BDEFECTS_WHOLE`,
    );
  }
  if (unpackedWhole() === null) {
    // Every start of the program reads this file, and few need what unpacks.
    const { unpackArchives } = await import("../archives/unpack.ts");
    await unpackArchives(archives, WHOLE, told);
  }
  if (present.size < WHOLE_ARCHIVES) note(`${WHOLE}: ${present.size} of ${WHOLE_ARCHIVES} archives are here`);
  return database;
}

function whole(): Archives {
  return findArchives(wholeArchivesDir(), WHOLE, unpackedDir());
}

function unpackedDir(): string {
  return join(userCache(), "databases");
}
