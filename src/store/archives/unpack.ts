import { mkdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { InputError } from "../../core/errors.ts";
import { withStaging } from "../../files/staging.ts";
import { userCacheVariable } from "../../files/user-cache.ts";
import { databaseManifest } from "../../records/database.ts";
import type { ExportManifest } from "../../records/export.ts";
import { LAYOUT } from "../../records/places.ts";
import { asInputError, assertMayWrite, exists, makeFolder, withPath } from "../disk/fs.ts";
import { writeJson } from "../disk/json.ts";
import { Layout } from "../layout.ts";
import { stageExport } from "../transfer/stage.ts";
import { findMissing, writeUnpacked } from "./complete.ts";
import type { Archives } from "./find.ts";
import { placeUnpacked } from "./place.ts";
import { archivePath, SUMS, sha256OfFile } from "./sums.ts";

/**
 * Unpacks archives into one database, unless that was done before and all of it is there. Each archive is held against the
 * sums, every file in it against the archive's manifest. The database appears whole or not at all; what is left of one is replaced.
 *
 * @param told is called before each archive
 * @throws InputError naming the archive at fault and the mend
 */
export async function unpackArchives(
  { dir, present, database }: Archives,
  edition: string,
  told: (done: number, total: number, what: string) => void = () => undefined,
): Promise<void> {
  if (findMissing(database) === null) return;
  const parent = dirname(database);
  assertCache(parent);
  try {
    await withStaging(parent, edition, async (stage) => {
      const made = join(stage, "database");
      mkdirSync(made);
      const manifests: ExportManifest[] = [];
      for (const [pair, sha256] of present) {
        told(manifests.length, present.size, pair);
        const path = archivePath(dir, pair);
        if ((await sha256OfFile(path)) !== sha256) {
          throw new InputError(`${path}: is not the archive that ${SUMS} states; restore both from the repository`);
        }
        const staged = join(stage, pair);
        mkdirSync(staged);
        const manifest = await stageExport(path, staged);
        assertOwn(path, pair, edition, manifest, manifests[0]);
        manifests.push(manifest);
        for (const file of manifest.files) moveInto(path, staged, made, file);
      }
      const { seed } = manifests[0];
      const layout = new Layout(made);
      writeJson(
        layout.path("manifest"),
        databaseManifest,
        {
          ...{ format: "bdefects4nn-database", format_version: 1, edition, seed },
          data: Object.assign({}, ...manifests.map(({ data }) => data)),
          // Archives tell no hour.
          created: new Date(0).toISOString(),
        },
        stage,
      );
      writeUnpacked(made, [...new Set(manifests.flatMap(({ files }) => files.map(({ path }) => path)))]);
      await placeUnpacked(made, database, stage);
    });
  } catch (error) {
    throw asInputError(error, parent);
  }
}

/** @throws InputError where an archive holds anything that its name, the edition or the first archive does not say */
function assertOwn(
  path: string,
  pair: string,
  edition: string,
  { edition: stated, seed, defects, clean, foreign, files }: ExportManifest,
  first: ExportManifest | undefined,
): void {
  const fault = (text: string) => new InputError(`${path}: ${text}; restore it from the repository`);
  if (stated !== edition) throw fault(`is of edition '${stated.slice(0, 80)}', not '${edition}'`);
  if (first && first.seed !== seed) throw fault(`has seed ${seed}, the other archives ${first.seed}`);
  const stranger =
    defects.find((id) => !id.startsWith(`${pair}-`)) ?? clean.find((id) => !id.startsWith(`clean/${pair}-s`));
  if (stranger !== undefined) throw fault(`holds '${stranger.slice(0, 80)}', which belongs to another`);
  const odd = files.find(({ path: name }) => name.startsWith(`${LAYOUT.results}/`))?.path ?? foreign?.[0];
  if (odd !== undefined) throw fault(`holds '${odd.slice(0, 80)}', which is no part of an edition`);
}

/** Archives of one data set share triggers, which are objects: named by their hash, so one is as good as the other. */
function moveInto(archive: string, from: string, to: string, { path, sha256 }: ExportManifest["files"][number]): void {
  const isObject = path.startsWith(`${LAYOUT.objects}/`);
  const fault = (text: string) => new InputError(`${archive}: ${text}; restore it from the repository`);
  if (isObject && !path.endsWith(`/${sha256}`)) throw fault(`'${path}' is not what its name says`);
  const target = join(to, path);
  if (exists(target)) {
    if (isObject) return;
    throw fault(`holds '${path}', which another archive holds too`);
  }
  withPath(target, () => {
    mkdirSync(dirname(target), { recursive: true });
    renameSync(join(from, path), target);
  });
}

/** @throws InputError where the folder of unpacked databases cannot be written; the cache has no option, but a variable */
function assertCache(parent: string): void {
  try {
    makeFolder(parent);
    assertMayWrite(parent);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(`${error.message}: ${userCacheVariable()} leads to another cache`, { cause: error });
  }
}
