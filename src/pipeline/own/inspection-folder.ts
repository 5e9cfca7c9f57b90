import { closeSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../core/errors.ts";
import { isTemporaryName } from "../../files/temporary.ts";
import { assertMayWrite, exists, withPath } from "../../store/disk/fs.ts";

/** Files of an inspection, with what they begin with: rows by criterion, or the trigger that one reversed. */
const WRITTEN: readonly [name: RegExp, beginning: RegExp][] = [
  [/^(summary|neurons)\.json$/, /^\[\s*(\]|\{"criterion":)/],
  [/^[^/]+-trigger\.json$/, /^\{\s*"target":/],
  [/^[^/]+-trigger\.png$/, /^.PNG/s],
];
const BEGINNING_BYTES = 64;

/**
 * Makes sure, before an inspection's work, that its files can go into a folder and replace none but an earlier inspection's. Writes nothing.
 *
 * @param shown the option's name before the folder, for messages
 * @throws InputError where it is a file, cannot be written, or holds what no inspection wrote
 */
export function assertInspectionFolder(dir: string, shown: string): void {
  assertMayWrite(dir);
  if (!exists(dir)) return;
  const names = withPath(dir, () => readdirSync(dir));
  const foreign = names.find((name) => !isTemporaryName(name) && !isOfInspection(dir, name));
  if (foreign === undefined) return;
  throw new InputError(
    `${shown}${dir}: holds '${foreign}', which no inspection wrote; name a new or empty folder with --out`,
  );
}

function isOfInspection(dir: string, name: string): boolean {
  const [, beginning] = WRITTEN.find(([pattern]) => pattern.test(name)) ?? [];
  const path = join(dir, name);
  return beginning !== undefined && withPath(path, () => statSync(path).isFile() && beginning.test(headOf(path)));
}

function headOf(path: string): string {
  const file = openSync(path, "r");
  try {
    const bytes = Buffer.alloc(BEGINNING_BYTES);
    return bytes.toString("latin1", 0, readSync(file, bytes, 0, BEGINNING_BYTES, 0));
  } finally {
    closeSync(file);
  }
}
