import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../../core/errors.ts";
import { reasonOf } from "../../../files/data-file.ts";

/** Bytes that are read at once. */
const PIECE = 4 << 20;

/**
 * SHA-256 of what `sha256sum` prints of a folder's files in the order of their names by code units, as `LC_ALL=C ls` has them.
 *
 * @throws InputError where one cannot be read
 */
export function folderHash(folder: string, names: readonly string[]): string {
  const inOrder = [...names].sort((a, b) => (a < b ? -1 : 1));
  const lines = inOrder.map((name) => `${fileHash(join(folder, name))}  ${name}\n`);
  return createHash("sha256").update(lines.join("")).digest("hex");
}

function fileHash(path: string): string {
  const hash = createHash("sha256");
  const piece = new Uint8Array(PIECE);
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    for (;;) {
      const bytes = readSync(file, piece, 0, piece.length, null);
      if (bytes === 0) return hash.digest("hex");
      hash.update(piece.subarray(0, bytes));
    }
  } catch (error) {
    throw new InputError(`${path}: cannot be read: ${reasonOf(error)}`);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
