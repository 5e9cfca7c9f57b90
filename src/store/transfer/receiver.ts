import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { InputError } from "../../core/errors.ts";
import { EXPORT_MANIFEST, type ExportManifest, exportManifest } from "../../records/export.ts";
import { makeFolder, withPath } from "../disk/fs.ts";
import { parseChecksummed } from "../disk/json.ts";
import { sha256Of } from "../objects/objects.ts";

const BRING_ANEW = "fetch or copy it anew";
const NAME_EXPORT = `name an export, or ${BRING_ANEW}`;
/** No list of files is so long. */
const MOST_MANIFEST_BYTES = 64 << 20;
/** No model is so large. */
const MOST_FILE_BYTES = 1 << 30;

/** Takes the files of an export in any order, the manifest first. */
export class Receiver {
  private readonly source: string;
  private readonly folder: string;
  protected manifest: ExportManifest | undefined;
  private readonly expected = new Map<string, { bytes: number; sha256: string }>();
  private readonly folders = new Set<string>();
  /** How many files and bytes the manifest lists, itself included; null before it came. */
  listed: { files: number; bytes: number } | null = null;

  constructor(source: string, folder: string) {
    this.source = source;
    this.folder = folder;
  }

  /** @param mend what the user can do; by default, bring the export anew */
  fault(text: string, mend = text.startsWith("is no") ? NAME_EXPORT : BRING_ANEW): InputError {
    return new InputError(`${this.source}: ${text}; ${mend}`);
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
    throw this.fault(`${EXPORT_MANIFEST}: does not fit its schema: '${issue.path.join(".")}': ${issue.message}`);
  }
}
