import { lstatSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../core/errors.ts";
import { EXPORT_MANIFEST, type ExportManifest } from "../../records/export.ts";
import { exists, readBytes, withPath } from "../disk/fs.ts";
import { readArchive } from "./archive.ts";
import { Receiver } from "./receiver.ts";

/**
 * Copies an export, folder or archive, into an empty folder, and holds every file against the manifest: its place, its
 * size before anything of it is written, its hash. Plain files at the places of a database only.
 *
 * @throws InputError naming the export and the entry at fault.
 */
export async function stageExport(source: string, folder: string): Promise<ExportManifest> {
  if (!exists(source)) throw new InputError(`${source}: no such file or folder; name an export`);
  const isFolder = withPath(source, () => statSync(source).isDirectory());
  const receiver = new Receiver(source, folder);
  if (isFolder) readFolder(source, receiver);
  else await readArchive(source, receiver);
  return receiver.finish();
}

/** Links are not followed: an export has none. Folders that hold nothing listed are not walked. */
function readFolder(source: string, receiver: Receiver): void {
  const take = (name: string) => {
    const path = join(source, name);
    const there = withPath(path, () => lstatSync(path, { throwIfNoEntry: false }));
    if (!there) throw receiver.fault(`is no export: it has no ${name}`);
    if (!there.isFile()) throw receiver.fault(`${JSON.stringify(name)} is no plain file`);
    receiver.announce(name, there.size);
    receiver.take(name, readBytes(path), Infinity);
  };
  take(EXPORT_MANIFEST);
  const walk = (below: string) => {
    const folder = join(source, below);
    for (const entry of withPath(folder, () => readdirSync(folder, { withFileTypes: true }))) {
      const name = below === "" ? entry.name : `${below}/${entry.name}`;
      if (name === EXPORT_MANIFEST) continue;
      if (!entry.isDirectory()) take(name);
      else if (receiver.isListedFolder(name)) walk(name);
      else throw receiver.fault(`holds the folder ${JSON.stringify(name)}, of which ${EXPORT_MANIFEST} lists nothing`);
    }
  };
  walk("");
}
