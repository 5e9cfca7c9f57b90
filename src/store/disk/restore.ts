import { join, relative, resolve, sep } from "node:path";
import { unpackedDir } from "../../files/user-cache.ts";

const UNPACKED = /^([a-z]+)-[0-9a-f]{16}$/;

/** What the user can do about a damaged or missing file of a database: what was unpacked from archives is unpacked anew. */
export function restoreMend(path: string): string {
  const [folder] = relative(unpackedDir(), resolve(path)).split(sep);
  const name = UNPACKED.exec(folder)?.[1];
  if (name === undefined) return "restore it from a copy";
  return `delete ${join(unpackedDir(), folder)}, and '--db ${name}' unpacks it anew`;
}
