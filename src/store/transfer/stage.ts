import { lstatSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { InputError } from "../../core/errors.ts";
import { EXPORT_MANIFEST, type ExportManifest, exportManifest } from "../../records/export.ts";
import { exists, makeFolder, readBytes, withPath } from "../disk/fs.ts";
import { parseChecksummed } from "../disk/json.ts";
import { sha256Of } from "../objects/objects.ts";
import { readArchive } from "./archive.ts";

/** No list of files is so long. */
const MOST_MANIFEST_BYTES = 64 << 20;
/** No model is so large. */
const MOST_FILE_BYTES = 1 << 30;
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

/** Takes the files of an export in any order, the manifest first. */
export class Receiver {
  private readonly source: string;
  private readonly folder: string;
  private manifest: ExportManifest | undefined;
  private readonly expected = new Map<string, { bytes: number; sha256: string }>();
  private readonly folders = new Set<string>();
  /** How many files and bytes the manifest lists, itself included; null before it came. */
  listed: { files: number; bytes: number } | null = null;

  constructor(source: string, folder: string) {
    this.source = source;
    this.folder = folder;
  }

  fault(text: string): InputError {
    return new InputError(`${this.source}: ${text}`);
  }

  /** Whether a file of this name and size is to come next. @throws InputError where it is not. */
  announce(path: string, bytes: number): void {
    const shown = JSON.stringify(path.slice(0, 200));
    if (!this.manifest) {
      if (path !== EXPORT_MANIFEST) throw this.fault(`is no export: begins with ${shown}, not with ${EXPORT_MANIFEST}`);
      if (bytes > MOST_MANIFEST_BYTES) throw this.fault(`${EXPORT_MANIFEST} is too large (${bytes} bytes)`);
      return;
    }
    const known = this.expected.get(path);
    if (!known) throw this.fault(`holds ${shown}, which ${EXPORT_MANIFEST} does not list (or twice)`);
    if (known.bytes !== bytes) throw this.fault(`'${path}' has ${bytes} bytes, not the ${known.bytes} listed`);
  }

  /** @param limit of all files together, in bytes */
  take(path: string, bytes: Buffer, limit: number): void {
    if (!this.manifest) {
      this.manifest = this.readManifest(bytes);
      for (const { path: listed, ...file } of this.manifest.files) {
        this.expected.set(listed, file);
        for (let at = dirname(listed); at !== "."; at = dirname(at)) this.folders.add(at);
      }
      const total = this.manifest.files.reduce((sum, file) => sum + file.bytes, 0);
      const large = this.manifest.files.find((file) => file.bytes > MOST_FILE_BYTES);
      if (large) throw this.fault(`'${large.path}' is too large (${large.bytes} bytes)`);
      if (total > limit) throw this.fault(`claims to hold ${total} bytes, far more than an archive of its size can`);
      this.listed = { files: this.manifest.files.length + 1, bytes: bytes.length + total };
      return;
    }
    const { sha256 } = this.expected.get(path)!;
    if (sha256Of(bytes) !== sha256) throw this.fault(`'${path}' is damaged: not the bytes that were exported`);
    this.expected.delete(path);
    const target = join(this.folder, path);
    makeFolder(dirname(target));
    withPath(target, () => writeFileSync(target, bytes, { flag: "wx" }));
  }

  /** Whether a listed file lies below a folder. */
  isListedFolder(path: string): boolean {
    return this.folders.has(path);
  }

  finish(): ExportManifest {
    if (!this.manifest) throw this.fault(`is no export: it has no ${EXPORT_MANIFEST}`);
    for (const path of this.expected.keys()) throw this.fault(`lacks '${path}': it was cut short`);
    return this.manifest;
  }

  private readManifest(bytes: Buffer): ExportManifest {
    const name = `${this.source}: ${EXPORT_MANIFEST}`;
    const { checksum: _, ...value } = parseChecksummed(bytes, name);
    const result = exportManifest.safeParse(value);
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    throw new InputError(`${name}: does not fit its schema: '${issue.path.join(".")}': ${issue.message}`);
  }
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
