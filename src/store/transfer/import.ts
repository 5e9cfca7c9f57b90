import { tmpdir } from "node:os";
import { join } from "node:path";
import { InputError } from "../../core/errors.ts";
import { withStaging } from "../../files/staging.ts";
import { type DatabaseManifest, databaseManifest } from "../../records/database.ts";
import type { ExportManifest } from "../../records/export.ts";
import { LAYOUT, WEIGHTS_SUFFIX } from "../../records/places.ts";
import { Claim, heldClaims, holderOf } from "../claims.ts";
import { Database, openDatabase } from "../database.ts";
import { asInputError, createAtomic, exists, readBytes, writeAtomic } from "../disk/fs.ts";
import { writeJson } from "../disk/json.ts";
import { listForeign } from "../foreign/records.ts";
import { appendJournal } from "../journal.ts";
import { Layout } from "../layout.ts";
import { assertSameStamp } from "../manifest.ts";
import { sha256Of } from "../objects/objects.ts";
import { verifyDatabase } from "../verify/verify.ts";
import { stageExport } from "./stage.ts";

export interface Imported {
  defects: number;
  clean: number;
  foreign: number;
  /** Files that were new, and those that were there already with the same bytes. */
  added: number;
  known: number;
}

/** What keeps others from pruning objects whose records are still to come. */
const IMPORT_CLAIM = "import";

/**
 * Takes an export into a database, which is created where there is none. Everything is verified first, in a temporary
 * folder: manifest, hashes, checksums, schemas, the bit-exact rebuild of every model. Then it is held against the
 * database: edition, seed and data must be the same, and a file that exists must have the same bytes. Only then is
 * anything written: objects, then clean models, labels, records, results. Safe to repeat.
 *
 * @throws InputError on anything that does not fit; the database is then as it was.
 */
export async function importExport(
  dir: string,
  source: string,
  update: (done: number, total: number, what: string) => void = () => undefined,
): Promise<Imported> {
  try {
    return await withStaging(tmpdir(), "bdefects-import", async (stage) => {
      const manifest = await stageExport(source, stage);
      await verifyStage(stage, source, manifest, update, await joined(dir, manifest));
      assertFits(dir, stage, manifest);
      const { edition, seed, data } = manifest;
      return install(await openDatabase(dir, { create: { edition, seed, data } }), stage, manifest);
    });
  } catch (error) {
    throw asInputError(error, tmpdir());
  }
}

/** The database that an export is to join; undefined where there is none, or of another make, which is refused later. */
async function joined(dir: string, { edition, seed }: ExportManifest): Promise<Database | undefined> {
  if (!exists(new Layout(dir).path("manifest"))) return undefined;
  const db = await openDatabase(dir, { readOnly: true });
  return db.manifest.edition === edition && db.manifest.seed === seed ? db : undefined;
}

/** A staged export is a small database: it has to stand the same test. */
async function verifyStage(
  stage: string,
  source: string,
  { edition, seed, data, defects, clean, foreign = [] }: ExportManifest,
  update: (done: number, total: number, what: string) => void,
  beside: Database | undefined,
): Promise<void> {
  const layout = new Layout(stage);
  const manifest: DatabaseManifest = {
    format: "bdefects4nn-database",
    format_version: 1,
    edition,
    seed,
    data,
    // An export tells no hour.
    created: new Date(0).toISOString(),
  };
  writeJson(layout.path("manifest"), databaseManifest, manifest, layout.path("tmp"));
  const staged = new Database(layout, manifest, true);
  if (staged.listDefects().join() !== defects.join() || staged.listClean().join() !== clean.join()) {
    throw new InputError(`${source}: holds other defects or clean models than it lists`);
  }
  if (listForeign(staged).join() !== foreign.join()) {
    throw new InputError(`${source}: holds other foreign models than it lists`);
  }
  const { findings } = await verifyDatabase(staged, defects, true, update, beside);
  for (const { file, finding } of findings) throw new InputError(`${source}: ${file}: ${finding}`);
}

/** @throws InputError where the database is of another make, holds other bytes of a name, or is at work on one. */
function assertFits(dir: string, stage: string, manifest: ExportManifest): void {
  const layout = new Layout(dir);
  if (!exists(layout.path("manifest"))) return;
  assertSameStamp(layout, manifest);
  const conflicts = manifest.files
    .map(({ path }) => path)
    .filter((path) => !isObject(path) && exists(join(dir, path)) && !isSame(join(dir, path), join(stage, path)));
  if (conflicts.length > 0) {
    const more = conflicts.length > 1 ? ` (and ${conflicts.length - 1} more files)` : "";
    throw new InputError(
      `${join(dir, conflicts[0])}${more}: exists with other content than in the export; use another --db folder`,
    );
  }
  const coming = new Set([...manifest.defects, ...manifest.clean].filter((id) => !isThere(layout, id)));
  const claims = layout.path("claims");
  const busy = heldClaims(claims).find((id) => coming.has(id));
  if (busy !== undefined)
    throw new InputError(`${dir}: '${busy}' is being built${holderOf(claims, busy)}; import when that is done`);
}

function install(db: Database, stage: string, manifest: ExportManifest): Imported {
  const claims = db.layout.path("claims");
  const claim = Claim.take(claims, IMPORT_CLAIM);
  if (!claim)
    throw new InputError(
      `${db.dir}: another import is under way${holderOf(claims, IMPORT_CLAIM)}; try again when it is done`,
    );
  try {
    const { defects, clean, foreign = [] } = manifest;
    const counts: Imported = {
      ...{ defects: defects.length, clean: clean.length, foreign: foreign.length },
      ...{ added: 0, known: 0 },
    };
    for (const path of [...manifest.files.map((file) => file.path)].sort((a, b) => orderOf(a) - orderOf(b))) {
      if (installFile(db, stage, path)) counts.added++;
      else counts.known++;
    }
    return counts;
  } finally {
    claim.release();
  }
}

/** @returns whether the file was new. */
function installFile(db: Database, stage: string, path: string): boolean {
  const target = join(db.dir, path);
  const bytes = readBytes(join(stage, path));
  const tmp = db.layout.path("tmp");
  if (isObject(path)) {
    // A damaged object of that name is mended.
    if (exists(target) && sha256Of(readBytes(target)) === sha256Of(bytes)) return false;
    writeAtomic(target, bytes, tmp);
    return true;
  }
  const event = eventOf(path);
  const created =
    event?.id === undefined ? createAtomic(target, bytes, tmp) : createClaimed(db, event.id, target, bytes);
  if (!created) {
    if (isSame(target, join(stage, path))) return false;
    throw new InputError(`${target}: was written by another process meanwhile, with other content`);
  }
  if (event) appendJournal(db.layout.path("journal"), { time: new Date().toISOString(), ...event });
  return true;
}

/** As a builder would: who holds the claim of an id writes its record. */
function createClaimed(db: Database, id: string, target: string, bytes: Buffer): boolean {
  if (exists(target)) return false;
  const claims = db.layout.path("claims");
  const claim = Claim.take(claims, id);
  if (!claim)
    throw new InputError(
      `${db.dir}: '${id}' is being built by another process${holderOf(claims, id)}; import again when it is done`,
    );
  try {
    return createAtomic(target, bytes, db.layout.path("tmp"));
  } finally {
    claim.release();
  }
}

/** A file comes after all that it refers to. */
function orderOf(path: string): number {
  if (isObject(path)) return 0;
  if (path.startsWith(`${LAYOUT.clean}/`)) return 1;
  if (path.endsWith(".labels.json")) return 2;
  if (path.endsWith(WEIGHTS_SUFFIX)) return 3;
  return path.startsWith(`${LAYOUT.defects}/`) || path.startsWith(`${LAYOUT.foreign}/`) ? 3 : 4;
}

/** The journal's line of a record or result. */
function eventOf(path: string): { event: string; id?: string; name?: string } | null {
  const name = path.slice(0, -".json".length);
  if (path.endsWith(".labels.json") || path.endsWith(WEIGHTS_SUFFIX)) return null;
  if (path.startsWith(`${LAYOUT.clean}/`)) return { event: "clean", id: name };
  if (path.startsWith(`${LAYOUT.foreign}/`)) return { event: "foreign", id: name };
  if (path.startsWith(`${LAYOUT.defects}/`)) return { event: "defect", id: name.split("/").at(-1)! };
  return { event: "result", name: name.slice(`${LAYOUT.results}/`.length) };
}

function isObject(path: string): boolean {
  return path.startsWith(`${LAYOUT.objects}/`);
}

function isThere(layout: Layout, id: string): boolean {
  return exists(id.startsWith("clean/") ? layout.clean(id) : layout.defect(id));
}

function isSame(a: string, b: string): boolean {
  return readBytes(a).equals(readBytes(b));
}
