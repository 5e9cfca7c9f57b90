import { createHash } from "node:crypto";
import { join } from "node:path";
import { exists } from "../disk/fs.ts";
import { archivePath, readSums, sumsText } from "./sums.ts";

/** Hexadecimal digits of the hash in an unpacked database's name. */
const KEY_DIGITS = 16;

/** The archives of a folder that are there, and the folder into which exactly these are unpacked. */
export interface Archives {
  dir: string;
  /** Stated hash by pair of data set and architecture, in the order of names. */
  present: Map<string, string>;
  /** Whether it is there already is the caller's to find out. */
  database: string;
}

/**
 * Finds the archives that a folder's sums list and that are there; reads none of them.
 * @param edition whose archives they are: begins the name of the database
 * @param cache the folder of unpacked databases
 * @throws InputError where the sums are damaged
 */
export function findArchives(dir: string, edition: string, cache: string): Archives {
  const listed = [...readSums(dir)].sort(([a], [b]) => (a < b ? -1 : 1));
  const present = new Map(listed.filter(([pair]) => exists(archivePath(dir, pair))));
  const key = createHash("sha256").update(sumsText(present)).digest("hex").slice(0, KEY_DIGITS);
  return { dir, present, database: join(cache, `${edition}-${key}`) };
}

/** Whether a name is that of an edition's unpacked database. */
export function isUnpackedName(name: string, edition: string): boolean {
  return name.startsWith(`${edition}-`) && new RegExp(`^[0-9a-f]{${KEY_DIGITS}}$`).test(name.slice(edition.length + 1));
}
