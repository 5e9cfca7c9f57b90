import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { create } from "tar";
import { InputError } from "../../core/errors.ts";
import { EXPORT_MANIFEST, type ExportedFile, type ExportManifest, exportManifest } from "../../records/export.ts";
import { isForeignName } from "../../records/foreign.ts";
import { collectRefs } from "../../records/object-ref.ts";
import { LAYOUT } from "../../records/places.ts";
import type { Database } from "../database.ts";
import { asInputError, makeFolder, readBytes, withPath } from "../disk/fs.ts";
import { checksummedJson, parseChecksummed } from "../disk/json.ts";
import { beside, fillNewFolder, placeNewFile, refuseExisting, refuseOccupied } from "../disk/new-folder.ts";
import { foreignPath, readForeign } from "../foreign/records.ts";
import { weightsPath } from "../layout.ts";
import { sha256Of } from "../objects/objects.ts";
import { statedHash } from "../results/repaired-weights.ts";
import { packageVersion } from "../version.ts";

export interface ExportRequest {
  /** Defects of any status, and foreign models. */
  ids: readonly string[];
  /** A new folder, or a new file that ends in `.tar.gz` or `.tgz`. */
  out: string;
  /** Whether predictions and repairs of these defects go along. */
  results: boolean;
}

/**
 * Writes defects with everything they need, clean models, labels and objects, as a folder or one archive. Every file is
 * held against its checksum or hash on the way. The same defects give the same bytes; what is written appears whole or
 * not at all.
 *
 * @throws InputError where something is missing or damaged, or the target exists.
 */
export async function exportDefects(db: Database, { ids, out, results }: ExportRequest): Promise<ExportManifest> {
  const isArchive = /\.(tar\.gz|tgz)$/.test(out);
  if (isArchive) refuseExisting(out);
  else refuseOccupied(out);
  const manifest = describe(db, ids, results);
  const fill = (folder: string) => writeFiles(db, manifest, folder);
  if (!isArchive) await fillNewFolder(out, fill);
  else {
    await beside(out, async (temporary) => {
      withPath(out, () => mkdirSync(temporary));
      const folder = join(temporary, "export");
      withPath(out, () => mkdirSync(folder));
      fill(folder);
      await pack(folder, join(temporary, "archive"), manifest, out);
      placeNewFile(join(temporary, "archive"), resolve(out));
    });
  }
  return manifest;
}

/** The manifest of an export, from files that were found whole. */
function describe(db: Database, ids: readonly string[], results: boolean): ExportManifest {
  const files = new Map<string, ExportedFile>();
  const add = (path: string): Buffer => {
    const bytes = readBytes(path);
    const name = relative(db.dir, path).replaceAll("\\", "/");
    files.set(name, { path: name, bytes: bytes.length, sha256: sha256Of(bytes) });
    return bytes;
  };
  const addRecord = (path: string) => {
    const content = parseChecksummed(add(path), path);
    for (const { object } of collectRefs(content)) addObject(object);
  };
  const addObject = (object: string) => {
    const path = db.objects.path(object);
    if (!db.objects.has(object)) throw new InputError(`${path}: this object is missing; 'bdefects verify' tells more`);
    if (sha256Of(add(path)) !== object) throw new InputError(`${path}: damaged; 'bdefects verify' tells more`);
  };
  /** What no result states was left by a repair that was cut short, and stays behind. */
  const addWeights = (path: string) => {
    const stated = statedHash(path);
    if (stated !== null && sha256Of(add(path)) !== stated) {
      throw new InputError(`${path}: damaged; 'bdefects verify --all' tells more`);
    }
  };

  const data: Record<string, string> = {};
  const clean = new Set<string>();
  const [foreign, defects] = [ids.filter(isForeignName), ids.filter((id) => !isForeignName(id))];
  for (const id of foreign) {
    readForeign(db, id);
    addRecord(foreignPath(db, id));
  }
  for (const id of defects) {
    const record = db.readDefect(id);
    data[record.dataset] = record.data_sha256;
    addRecord(db.layout.defect(id));
    if (record.labels_sha256 !== null) {
      db.readLabels(id);
      addRecord(db.layout.labels(id));
    }
    clean.add(record.clean);
  }
  for (const id of clean) {
    db.readClean(id);
    addRecord(db.layout.clean(id));
  }
  if (results) {
    for (const name of resultsOf(db, new Set(ids))) {
      addRecord(db.layout.result(name));
      if (db.hasWeights(name)) addWeights(weightsPath(db.layout.path("results"), name));
    }
  }
  return exportManifest.parse({
    format: "bdefects4nn-export",
    format_version: 1,
    package_version: packageVersion(),
    edition: db.manifest.edition,
    seed: db.manifest.seed,
    data,
    defects: [...new Set(defects)].sort(),
    clean: [...clean].sort(),
    ...(foreign.length > 0 && { foreign: [...new Set(foreign)].sort() }),
    files: [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1)),
  } satisfies ExportManifest);
}

/** Names of the predictions and repairs of some defects: the last part is the id, for predictions with the version. A foreign id is two parts. */
function resultsOf(db: Database, ids: ReadonlySet<string>): string[] {
  return db.listResults().filter((name) => {
    const [folder, file] = name.split("/").slice(-2);
    const id = file?.split(".")[0] ?? "";
    return ids.has(folder === LAYOUT.foreign ? `${folder}/${id}` : id);
  });
}

function writeFiles(db: Database, manifest: ExportManifest, folder: string): void {
  for (const { path, sha256 } of manifest.files) {
    const source = join(db.dir, path);
    const target = join(folder, path);
    const bytes = readBytes(source);
    if (sha256Of(bytes) !== sha256) throw new InputError(`${source}: was changed meanwhile; export again`);
    makeFolder(dirname(target));
    withPath(target, () => writeFileSync(target, bytes));
  }
  withPath(folder, () => writeFileSync(join(folder, EXPORT_MANIFEST), checksummedJson({ ...manifest })));
}

/** The manifest comes first, so that a reader knows what is to come. Nothing of this machine or hour goes in. */
async function pack(folder: string, file: string, manifest: ExportManifest, out: string): Promise<void> {
  const names = [EXPORT_MANIFEST, ...manifest.files.map(({ path }) => path)];
  try {
    await create({ cwd: folder, file, gzip: true, portable: true, mtime: new Date(0), noDirRecurse: true }, names);
  } catch (error) {
    throw asInputError(error, out);
  }
}
