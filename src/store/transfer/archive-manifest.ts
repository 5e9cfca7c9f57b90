import { InputError } from "../../core/errors.ts";
import type { ExportManifest } from "../../records/export.ts";
import { readArchive } from "./archive.ts";
import { Receiver } from "./receiver.ts";

/**
 * The manifest of an export's archive, with which it begins; no more of the archive is decompressed.
 * @returns null where the file is no archive of ours, or damaged before its manifest ends
 */
export async function readArchiveManifest(source: string): Promise<ExportManifest | null> {
  const receiver = new ManifestReceiver(source);
  try {
    await readArchive(source, receiver);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
  }
  return receiver.found;
}

/** Refuses whatever follows the manifest, which ends the reading. */
class ManifestReceiver extends Receiver {
  constructor(source: string) {
    super(source, "");
  }

  override announce(path: string, bytes: number): void {
    if (this.manifest) throw this.fault("was read as far as its manifest");
    super.announce(path, bytes);
  }

  get found(): ExportManifest | null {
    return this.manifest ?? null;
  }
}
