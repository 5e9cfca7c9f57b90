import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../core/errors.ts";
import { asInputError, exists, listFolder, plainFileBytes, readBytes } from "../disk/fs.ts";

/** The file beside archives that states their hashes, as `sha256sum` writes and checks it. */
export const SUMS = "SHA256SUMS";
/** What an archive's name ends in; before it stand data set and architecture. */
export const ARCHIVE_SUFFIX = ".tar.gz";

const MOST_SUMS_BYTES = 1 << 16;
const LINE = /^([0-9a-f]{64}) {2}([a-z0-9]+-[a-z0-9]+)\.tar\.gz$/;
const NAME = /^([a-z0-9]+-[a-z0-9]+)\.tar\.gz$/;

/** An archive by its pair of data set and architecture, e.g. `cifar10-vgg13w8`. */
export function archivePath(dir: string, pair: string): string {
  return join(dir, pair + ARCHIVE_SUFFIX);
}

/** The pairs of which a folder has an archive, by the files' names alone, sorted; none where there is no such folder. */
export function pairsIn(dir: string): string[] {
  return listFolder(dir).flatMap((name) => NAME.exec(name)?.[1] ?? []);
}

/** The stated hash of each archive, by pair; empty where there is no file of sums. @throws InputError on a line that is none */
export function readSums(dir: string): Map<string, string> {
  const path = join(dir, SUMS);
  const sums = new Map<string, string>();
  if (!exists(path)) return sums;
  for (const [at, line] of readBytes(path, MOST_SUMS_BYTES).toString("utf8").split("\n").entries()) {
    if (line === "") continue;
    const [, sha256, pair] = LINE.exec(line) ?? [];
    if (pair === undefined || sums.has(pair)) {
      throw new InputError(`${path}: line ${at + 1} is no hash and name of an archive; restore it from the repository`);
    }
    sums.set(pair, sha256);
  }
  return sums;
}

/** The text of a file of sums. */
export function sumsText(sums: ReadonlyMap<string, string>): string {
  const lines = [...sums].map(([pair, sha256]) => `${sha256}  ${pair}${ARCHIVE_SUFFIX}\n`);
  return lines.sort((a, b) => (a.slice(66) < b.slice(66) ? -1 : 1)).join("");
}

/** Read piece by piece: an archive may be large. @throws InputError where it cannot be read */
export async function sha256OfFile(path: string): Promise<string> {
  plainFileBytes(path);
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  } catch (error) {
    throw asInputError(error, path);
  }
  return hash.digest("hex");
}
