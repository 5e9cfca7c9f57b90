import { statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { suggestion } from "../core/closest.ts";
import { InputError } from "../core/errors.ts";
import { type DatabaseManifest, databaseManifest } from "../records/database.ts";
import { LAYOUT } from "../records/places.ts";
import { Claim, holderOf } from "./claims.ts";
import { assertMayWrite, createAtomic, exists, makeFolder, withPath } from "./disk/fs.ts";
import { checksummedJson, readJson, writeJson } from "./disk/json.ts";
import type { Layout } from "./layout.ts";
import { assertOwnFolders, findUnknown } from "./own-folders.ts";
import { SAMPLE } from "./shipped/sample.ts";
import { ARCHIVED_NAMES, assertUnpackedWhole } from "./shipped/shipped.ts";

/** What a build asks a database to be. */
export type ManifestRequest = Pick<DatabaseManifest, "edition" | "seed" | "data">;

/**
 * Reads a database's manifest; with a request, creates the database where there is none, holds an existing one
 * against the request and adds data sets that it did not have yet.
 *
 * @throws InputError where the folder is no database or not all of one that was unpacked, or its edition, seed or data differ: never a silent mix.
 */
export async function openManifest(layout: Layout, request?: ManifestRequest): Promise<DatabaseManifest> {
  const path = layout.path("manifest");
  if (!exists(path)) {
    if (!request) throw noDatabase(layout.dir);
    createManifest(layout, request);
  }
  assertUnpackedWhole(layout.dir);
  const manifest = readJson(path, databaseManifest);
  return request ? joinManifest(layout, manifest, request) : manifest;
}

/** Databases that come with the program are named, and their names mistyped. */
function noDatabase(dir: string): InputError {
  if (ARCHIVED_NAMES.includes(dir)) {
    return new InputError(
      `${dir}: comes with the program, in archives; 'bdefects info --db ${dir}' names the folder that it unpacks them to`,
    );
  }
  const meant = suggestion(dir, [SAMPLE, ...ARCHIVED_NAMES]);
  return new InputError(`${dir}: not a database (no ${LAYOUT.manifest})${meant}; name one with --db`);
}

function createManifest(layout: Layout, { edition, seed, data }: ManifestRequest): void {
  makeFolder(layout.dir);
  try {
    assertMayBecome(layout);
  } catch (error) {
    // Another builder may have made the database meanwhile.
    if (exists(layout.path("manifest"))) return;
    throw error;
  }
  const manifest: DatabaseManifest = {
    format: "bdefects4nn-database",
    format_version: 1,
    edition,
    seed,
    data,
    created: new Date().toISOString(),
  };
  // Where another builder was faster, its manifest stands and is held against the request like any other.
  createAtomic(layout.path("manifest"), checksummedJson(databaseManifest.parse(manifest)), layout.path("tmp"));
}

/** @throws InputError where a folder that is there holds anything that no database of ours made, or leads elsewhere */
function assertMayBecome({ dir }: Layout): void {
  assertOwnFolders(dir);
  const foreign = findUnknown(dir);
  if (foreign === null) return;
  throw new InputError(`${dir}: holds other files ('${foreign}') and is no database; name an empty or new folder`);
}

/**
 * Whether a build could open or create its database, found out without writing.
 * @throws InputError as `openManifest` with this request would
 */
export function assertManifestFits(layout: Layout, request: ManifestRequest): void {
  if (exists(layout.path("manifest"))) {
    assertSameStamp(layout, request);
    return;
  }
  const { dir } = layout;
  if (exists(dir)) {
    if (!isFolder(dir)) throw new InputError(`${dir}: is a file, not a folder; name a folder`);
    assertMayBecome(layout);
  }
  assertMayWrite(dir);
}

function isFolder(path: string): boolean {
  return withPath(path, () => statSync(path).isDirectory());
}

async function joinManifest(
  layout: Layout,
  found: DatabaseManifest,
  request: ManifestRequest,
): Promise<DatabaseManifest> {
  assertSame(layout, found, request);
  const isKnown = (manifest: DatabaseManifest) =>
    Object.keys(request.data).every((name) => Object.hasOwn(manifest.data, name));
  if (isKnown(found)) return found;
  const claim = await waitForClaim(layout);
  try {
    const path = layout.path("manifest");
    const latest = readJson(path, databaseManifest);
    assertSame(layout, latest, request);
    const joined = { ...latest, data: { ...latest.data, ...request.data } };
    writeJson(path, databaseManifest, joined, layout.path("tmp"));
    return joined;
  } finally {
    claim.release();
  }
}

function assertSame(layout: Layout, found: DatabaseManifest, request: ManifestRequest): void {
  const differ = (what: string, has: unknown, wants: unknown) =>
    new InputError(
      `${layout.dir}: built with ${what} ${has}, not ${wants}; use another --db folder or the same ${what}`,
    );
  if (found.edition !== request.edition) throw differ("edition", found.edition, request.edition);
  if (found.seed !== request.seed) throw differ("seed", found.seed, request.seed);
  for (const [name, hash] of Object.entries(request.data)) {
    if (Object.hasOwn(found.data, name) && found.data[name] !== hash) {
      throw differ(`${name} data`, found.data[name].slice(0, 12), hash.slice(0, 12));
    }
  }
}

/**
 * Holds an existing database against a request without changing it.
 * @throws InputError where edition, seed or the data of a data set in both differ.
 */
export function assertSameStamp(layout: Layout, request: ManifestRequest): void {
  assertSame(layout, readJson(layout.path("manifest"), databaseManifest), request);
}

/** Two builders may add their data sets at once. */
async function waitForClaim(layout: Layout): Promise<Claim> {
  const folder = layout.path("claims");
  for (let attempt = 0; attempt < 600; attempt++) {
    const claim = Claim.take(folder, "manifest");
    if (claim) return claim;
    await sleep(50);
  }
  throw new InputError(
    `${folder}: another builder holds the manifest${holderOf(folder, "manifest")}; try again when it is done`,
  );
}
