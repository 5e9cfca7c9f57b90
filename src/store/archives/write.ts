import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../core/errors.ts";
import type { DefectRow } from "../../records/defect-row.ts";
import type { Database } from "../database.ts";
import { exists, makeFolder, plainFileBytes, withPath, writeAtomic } from "../disk/fs.ts";
import { beside } from "../disk/new-folder.ts";
import { isWithin } from "../disk/within.ts";
import { exportDefects } from "../transfer/export.ts";
import { assertReplaceable } from "./replaceable.ts";
import { archivePath, readSums, SUMS, sha256OfFile, sumsText } from "./sums.ts";

/** What became of one archive. */
export type WrittenArchive = {
  archive: string;
  status: "new" | "replaced" | "same";
  defects: number;
  accepted: number;
  clean: number;
  files: number;
  bytes: number;
  sha256: string;
};

type Listed = Pick<DefectRow, "id" | "dataset" | "arch" | "status">;

/**
 * Writes defects as archives, one for each data set and architecture, with a file of their hashes. Each is what
 * `exportDefects` writes: the same defects give the same bytes. One of the same name is replaced whole, and only where its
 * bytes differ; never by less than it holds, nor in a folder of another database (`assertReplaceable`).
 *
 * @param defects of any status; foreign models have no place in an edition's archives
 * @param told is called before each archive
 * @throws InputError before anything is written where an archive would be lost; where something is missing or damaged, or the
 * folder cannot be written, archives that were finished stay
 */
export async function writeArchives(
  db: Database,
  defects: readonly Listed[],
  dir: string,
  told: (done: number, total: number, what: string) => void = () => undefined,
): Promise<WrittenArchive[]> {
  const pairs = new Map<string, Listed[]>();
  for (const row of defects) {
    if (row.dataset === null || row.arch === null || row.status === "foreign") {
      throw new InputError(`'${row.id}': archives hold an edition's defects; leave foreign models out`);
    }
    const pair = `${row.dataset}-${row.arch}`;
    pairs.set(pair, [...(pairs.get(pair) ?? []), row]);
  }
  if (isWithin(dir, db.dir)) throw new InputError(`--out ${dir}: lies in the database; name another folder`);
  const sums = readSums(dir);
  const ids = new Map([...pairs].map(([pair, rows]) => [pair, rows.map(({ id }) => id)]));
  await assertReplaceable(dir, db.manifest, db.sealed ?? db.dir, ids);
  makeFolder(dir);
  const written: WrittenArchive[] = [];
  for (const [pair, rows] of [...pairs].sort(([a], [b]) => (a < b ? -1 : 1))) {
    told(written.length, pairs.size, pair);
    written.push(await writeOne(db, pair, rows, dir, sums));
  }
  return written;
}

async function writeOne(
  db: Database,
  pair: string,
  rows: readonly Listed[],
  dir: string,
  sums: Map<string, string>,
): Promise<WrittenArchive> {
  const path = archivePath(dir, pair);
  const before = exists(path) ? await sha256OfFile(path) : null;
  let counts = { clean: 0, files: 0 };
  let sha256 = "";
  await beside(path, async (temporary) => {
    withPath(path, () => mkdirSync(temporary));
    const made = join(temporary, "made.tar.gz");
    const { clean, files } = await exportDefects(db, { ids: rows.map(({ id }) => id), out: made, results: false });
    counts = { clean: clean.length, files: files.length };
    sha256 = await sha256OfFile(made);
    if (sha256 !== before) withPath(path, () => renameSync(made, path));
    if (sums.get(pair) === sha256) return;
    sums.set(pair, sha256);
    writeAtomic(join(dir, SUMS), sumsText(sums), temporary);
  });
  const status = before === null ? "new" : before === sha256 ? "same" : "replaced";
  const accepted = rows.filter((row) => row.status === "accepted").length;
  const bytes = plainFileBytes(path);
  return { archive: path, status, defects: rows.length, accepted, ...counts, bytes, sha256 };
}
