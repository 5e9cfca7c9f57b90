import { createReadStream, lstatSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { Parser, type ReadEntry } from "tar";
import { InputError } from "../../core/errors.ts";
import { exists, makeFolder, readBytes, withPath } from "../fs.ts";
import { parseChecksummed } from "../json.ts";
import { sha256Of } from "../objects.ts";
import { EXPORT_MANIFEST, type ExportManifest, exportManifest } from "./manifest.ts";

/** No list of files is so long. */
const MOST_MANIFEST_BYTES = 64 << 20;
/** No model is so large. */
const MOST_FILE_BYTES = 1 << 30;
/** Objects are compressed already and records shrink to a tenth: an archive that claims to hold more is a bomb. */
const MOST_EXPANSION = 50;
const SMALL_BYTES = 16 << 20;

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
  if (isFolder) await readFolder(source, receiver);
  else await readArchive(source, receiver);
  return receiver.finish();
}

/** Takes the files of an export in any order, the manifest first. */
class Receiver {
  private readonly source: string;
  private readonly folder: string;
  private manifest: ExportManifest | undefined;
  private readonly expected = new Map<string, { bytes: number; sha256: string }>();

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
      for (const { path: listed, ...file } of this.manifest.files) this.expected.set(listed, file);
      const total = this.manifest.files.reduce((sum, file) => sum + file.bytes, 0);
      const large = this.manifest.files.find((file) => file.bytes > MOST_FILE_BYTES);
      if (large) throw this.fault(`'${large.path}' is too large (${large.bytes} bytes)`);
      if (total > limit) throw this.fault(`claims to hold ${total} bytes, far more than an archive of its size can`);
      return;
    }
    const { sha256 } = this.expected.get(path)!;
    if (sha256Of(bytes) !== sha256) throw this.fault(`'${path}' is damaged: not the bytes that were exported`);
    this.expected.delete(path);
    const target = join(this.folder, path);
    makeFolder(dirname(target));
    withPath(target, () => writeFileSync(target, bytes, { flag: "wx" }));
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

/** Links are not followed: an export has none. */
async function readFolder(source: string, receiver: Receiver): Promise<void> {
  const take = (name: string) => {
    const path = join(source, name);
    const there = withPath(path, () => lstatSync(path, { throwIfNoEntry: false }));
    if (!there) throw receiver.fault(`is no export: it has no ${name}`);
    if (!there.isFile()) throw receiver.fault(`'${name}' is no plain file`);
    receiver.announce(name, there.size);
    receiver.take(name, readBytes(path), Infinity);
  };
  take(EXPORT_MANIFEST);
  const entries = withPath(source, () => readdirSync(source, { recursive: true, withFileTypes: true }));
  for (const entry of entries) {
    const name = relative(source, join(entry.parentPath, entry.name)).replaceAll("\\", "/");
    if (entry.isDirectory() || name === EXPORT_MANIFEST) continue;
    if (!entry.isFile()) throw receiver.fault(`'${name}' is no plain file`);
    take(name);
  }
}

/** One pass; nothing of an entry is kept before its name, type and size are known to be right. */
async function readArchive(source: string, receiver: Receiver): Promise<void> {
  const limit = SMALL_BYTES + MOST_EXPANSION * withPath(source, () => statSync(source).size);
  let fault: Error | undefined;
  const parser = new Parser({ strict: true, onReadEntry: (entry) => guard(() => takeEntry(entry)) });
  const guard = (work: () => void) => {
    try {
      if (!fault) work();
    } catch (error) {
      fault = error as Error;
    }
  };
  const takeEntry = (entry: ReadEntry) => {
    if (entry.type !== "File" && entry.type !== "OldFile") {
      throw receiver.fault(`'${entry.path.slice(0, 200)}' is a ${entry.type}, not a plain file`);
    }
    receiver.announce(entry.path, entry.size);
    const chunks: Buffer[] = [];
    entry.on("data", (chunk: Buffer) => fault === undefined && chunks.push(chunk));
    entry.on("end", () => guard(() => receiver.take(entry.path, Buffer.concat(chunks), limit)));
  };
  const ended = new Promise<void>((resolve) => {
    const failed = (error: Error) => {
      fault ??= receiver.fault(`is no whole tar.gz archive (${error.message})`);
      resolve();
    };
    parser.on("end", resolve);
    parser.on("error", failed);
  });
  const stream = createReadStream(source);
  try {
    for await (const chunk of stream) {
      if (fault) break;
      parser.write(chunk as Buffer);
    }
  } catch (error) {
    throw receiver.fault(`cannot be read (${(error as Error).message})`);
  } finally {
    stream.destroy();
  }
  if (!fault) {
    parser.end();
    await ended;
  }
  if (fault) throw fault;
}
