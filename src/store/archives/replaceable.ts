import { InputError } from "../../core/errors.ts";
import type { DatabaseManifest } from "../../records/database.ts";
import { readArchiveManifest } from "../transfer/archive-manifest.ts";
import { archivePath, pairsIn } from "./sums.ts";

/**
 * Holds the archives of a folder against what would be written there: none may be lost to a database of another make, or to
 * one that has less. What cannot be read as an archive holds nothing that could be lost. Writes nothing.
 *
 * @param pairs ids of the candidates that would be written, by pair of data set and architecture
 * @throws InputError naming the archive, what is the matter and the mend
 */
export async function assertReplaceable(
  dir: string,
  { edition, seed, data }: DatabaseManifest,
  database: string,
  pairs: ReadonlyMap<string, readonly string[]>,
): Promise<void> {
  for (const pair of pairsIn(dir)) {
    const path = archivePath(dir, pair);
    const held = await readArchiveManifest(path);
    if (held === null) continue;
    const differ = (what: string, there: unknown, here: unknown) =>
      new InputError(`${path}: has ${what} ${there}, the database ${here}; name another folder with --out`);
    if (held.edition !== edition) throw differ("edition", `'${held.edition.slice(0, 80)}'`, `'${edition}'`);
    if (held.seed !== seed) throw differ("seed", held.seed, seed);
    const other = Object.keys(held.data).find((name) => Object.hasOwn(data, name) && data[name] !== held.data[name]);
    if (other !== undefined) throw differ(`${other} data`, held.data[other].slice(0, 12), data[other].slice(0, 12));
    const written = pairs.get(pair);
    if (!written) continue;
    const known = new Set(written);
    const [lost, ...more] = held.defects.filter((id) => !known.has(id));
    if (lost === undefined) continue;
    const others = more.length > 0 ? ` and ${more.length} more candidate${more.length > 1 ? "s" : ""}` : "";
    throw new InputError(
      `${path}: holds '${lost.slice(0, 80)}'${others}, which the database lacks; run 'bdefects import ${path} --db ${database}' first, or name another folder with --out`,
    );
  }
}
