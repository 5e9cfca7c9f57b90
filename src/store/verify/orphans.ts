import { lstatSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { InputError } from "../../core/errors.ts";
import { collectObjects } from "../../records/object-ref.ts";
import { isDefectOf, WEIGHTS_SUFFIX } from "../../records/places.ts";
import { heldClaims, holderOf } from "../claims.ts";
import type { Database } from "../database.ts";
import { exists, listFolder, readBytes, withPath } from "../disk/fs.ts";
import { parseChecksummed } from "../disk/json.ts";
import { SetAside } from "../disk/set-aside.ts";
import { statedHash, weightsOfNoResult } from "../results/repaired-weights.ts";

const LABELS = ".labels.json";

/**
 * Removes what a build that was cut short left behind: objects and labels that no record refers to, and repaired weights
 * that no result states.
 *
 * A builder that lives may be about to refer to an object that it found stored already, so nothing is removed while
 * any work is claimed; and since one may begin meanwhile, orphans are first moved aside, then claims and records are
 * looked at once more, and only what is an orphan still is deleted. A builder that began after the move does not find
 * the object and stores it anew; one that began before holds a claim, or has written its record, and all is put back.
 *
 * @returns the paths that are gone.
 * @throws InputError where a builder is at work or a record cannot be read (what it refers to is then unknown).
 */
export function pruneOrphans(db: Database): string[] {
  db.assertWritable();
  assertIdle(db);
  const orphans = findOrphans(db);
  if (orphans.length === 0) return [];
  const aside = new SetAside(db.layout, orphans);
  try {
    aside.take();
    assertIdle(db);
    assertUnused(db, orphans);
  } catch (error) {
    aside.putBack();
    throw error;
  }
  aside.drop();
  return orphans;
}

/** Paths of objects and labels that no record refers to. @throws InputError where a record is damaged. */
export function findOrphans(db: Database): string[] {
  const used = usedObjects(db);
  const root = db.layout.path("objects");
  const objects = listFolder(root)
    .flatMap((folder) => listFolder(join(root, folder)).map((name) => ({ name, path: join(root, folder, name) })))
    .filter(({ name, path }) => path === db.objects.path(name) && !used.has(name) && isPlainFile(path));
  return [...objects.map(({ path }) => path), ...labelsOfNoRecord(db), ...weightsOfNoResult(db)];
}

function usedObjects(db: Database): Set<string> {
  const used = new Set<string>();
  for (const part of ["clean", "defects", "foreign", "results"] as const) {
    const root = db.layout.path(part);
    const entries = withPath(root, () => (exists(root) ? readdirSync(root, { recursive: true }) : [])) as string[];
    for (const name of entries.filter((entry) => entry.endsWith(".json"))) {
      // The carriers of labels without a record are orphans as much as the labels are.
      const path = join(root, name);
      if (name.endsWith(LABELS) && !hasRecord(path)) continue;
      collectObjects(parseChecksummed(readBytes(path), path), used);
    }
  }
  return used;
}

/** Labels come before the record that states their hash; a kill between the two leaves them alone. */
function labelsOfNoRecord(db: Database): string[] {
  const root = db.layout.path("defects");
  return listFolder(root).flatMap((group) =>
    listFolder(join(root, group))
      .filter((file) => file.endsWith(LABELS) && isDefectOf(group, file.slice(0, -LABELS.length)))
      .map((file) => join(root, group, file))
      .filter((path) => !hasRecord(path) && isPlainFile(path)),
  );
}

/** A link or folder under the name of an object is none of ours. */
function isPlainFile(path: string): boolean {
  return withPath(path, () => lstatSync(path).isFile());
}

function hasRecord(labels: string): boolean {
  return exists(`${labels.slice(0, -LABELS.length)}.json`);
}

function assertIdle(db: Database): void {
  const claims = db.layout.path("claims");
  const held = heldClaims(claims);
  if (held.length === 0) return;
  throw new InputError(
    `${db.dir}: '${held[0]}' is being worked on${holderOf(claims, held[0])}; prune when no builder is at work`,
  );
}

function assertUnused(db: Database, orphans: string[]): void {
  const used = usedObjects(db);
  const missed = orphans.find(
    (path) =>
      used.has(basename(path)) ||
      (path.endsWith(LABELS) && hasRecord(path)) ||
      (path.endsWith(WEIGHTS_SUFFIX) && statedHash(path) !== null),
  );
  if (missed !== undefined) throw new InputError(`${missed}: came into use meanwhile; prune again`);
}
