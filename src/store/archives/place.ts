import { lstatSync, readdirSync, renameSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { InputError } from "../../core/errors.ts";
import { isOwnFolder } from "../../files/temporary.ts";
import { LAYOUT } from "../../records/places.ts";
import { Claim, holderOf } from "../claims.ts";
import { makeFolder, withPath } from "../disk/fs.ts";
import { isOwnPlace } from "../own-folders.ts";
import { findMissing } from "./complete.ts";

/** What unpacking and reading leave in a database's folder. */
const FILES = new Set<string>([LAYOUT.manifest, LAYOUT.unpacked, LAYOUT.catalog, `${LAYOUT.catalog}.wal`]);
const FOLDERS = new Set<string>([LAYOUT.clean, LAYOUT.defects, LAYOUT.objects, LAYOUT.tmp, LAYOUT.claims]);

const WAIT_MS = 50;
const MOST_WAITS = 600;

/**
 * Moves an unpacked database to its place. A whole one that another process put there stays; what is left of one is moved
 * aside. Of several processes one alone moves aside, after it has looked again: nobody loses a whole database.
 *
 * @param aside a folder on the same file system that goes away later
 * @throws InputError where something lies there that no unpacking made
 */
export async function placeUnpacked(made: string, database: string, aside: string): Promise<void> {
  const [claims, name] = [join(dirname(database), LAYOUT.claims), basename(database)];
  for (let wait = 0; wait < MOST_WAITS; wait++) {
    if (moved(made, database) || findMissing(database) === null) return;
    assertRemains(database);
    makeFolder(claims);
    const claim = Claim.take(claims, name);
    if (claim === null) {
      await sleep(WAIT_MS);
      continue;
    }
    try {
      if (findMissing(database) === null) return;
      withPath(database, () => renameSync(database, join(aside, `remains-${wait}`)));
      if (moved(made, database)) return;
    } finally {
      claim.release();
    }
  }
  throw new InputError(
    `${database}: another process unpacks it${holderOf(claims, name)}; run the same command again when it is done`,
  );
}

/** @returns false where something lies there already */
function moved(made: string, database: string): boolean {
  return withPath(database, () => {
    try {
      renameSync(made, database);
      return true;
    } catch (error) {
      if (lstatSync(database, { throwIfNoEntry: false })) return false;
      throw error;
    }
  });
}

/** @throws InputError where a path holds anything but what unpacking and reading leave there */
function assertRemains(database: string): void {
  if (!withPath(database, () => isOwnFolder(database))) {
    throw new InputError(`${database}: is no folder of this program; move it elsewhere and run the same command again`);
  }
  const stranger = findStranger(database, []);
  if (stranger === null) return;
  throw new InputError(
    `${database}: is not complete and holds '${stranger}', which this program did not put there; move that elsewhere and delete the folder, which is unpacked anew`,
  );
}

function findStranger(dir: string, above: readonly string[]): string | null {
  const folder = join(dir, ...above);
  for (const entry of withPath(folder, () => readdirSync(folder, { withFileTypes: true }))) {
    const parts = [...above, entry.name];
    const found = entry.isDirectory()
      ? findStranger(dir, parts)
      : isOurs(parts, entry.isFile())
        ? null
        : parts.join("/");
    if (found !== null) return found;
  }
  return null;
}

function isOurs(parts: string[], isFile: boolean): boolean {
  if (!isFile) return false;
  return parts.length === 1 ? FILES.has(parts[0]) : FOLDERS.has(parts[0]) && isOwnPlace(parts);
}
