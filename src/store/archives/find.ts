import { createHash } from "node:crypto";
import { join } from "node:path";
import { exists } from "../disk/fs.ts";
import { archivePath, pairsIn, readSums, sumsText } from "./sums.ts";

/** Hexadecimal digits of the hash in an unpacked database's name. */
const KEY_DIGITS = 16;

/** The archives of a folder that are there, and the folder into which exactly these are unpacked. */
export interface Archives {
  dir: string;
  /** Stated hash by pair of data set and architecture, in the order of names. */
  present: Map<string, string>;
  /** Pairs that the sums list and that are not there, and those that are there and not listed; the latter are left out. */
  missing: string[];
  unlisted: string[];
  /** Whether it is there already is the caller's to find out. */
  database: string;
}

/**
 * Finds the archives that a folder's sums list and that are there, and those of which only one is true; reads none of them.
 * @param edition whose archives they are: begins the name of the database
 * @param cache the folder of unpacked databases
 * @throws InputError where the sums are damaged
 */
export function findArchives(dir: string, edition: string, cache: string): Archives {
  const listed = [...readSums(dir)].sort(([a], [b]) => (a < b ? -1 : 1));
  const present = new Map(listed.filter(([pair]) => exists(archivePath(dir, pair))));
  const key = createHash("sha256").update(sumsText(present)).digest("hex").slice(0, KEY_DIGITS);
  const names = new Set(listed.map(([pair]) => pair));
  const missing = [...names].filter((pair) => !present.has(pair));
  const unlisted = pairsIn(dir).filter((pair) => !names.has(pair));
  return { dir, present, missing, unlisted, database: join(cache, `${edition}-${key}`) };
}

/** Whether a name is that of an edition's unpacked database. */
export function isUnpackedName(name: string, edition: string): boolean {
  return name.startsWith(`${edition}-`) && new RegExp(`^[0-9a-f]{${KEY_DIGITS}}$`).test(name.slice(edition.length + 1));
}
