import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ExportManifest } from "../../../src/records/export.ts";
import { openDatabase } from "../../../src/store/database.ts";
import { checksummedJson } from "../../../src/store/disk/json.ts";
import { sha256Of } from "../../../src/store/objects/objects.ts";
import type { Finding } from "../../../src/store/verify/findings.ts";
import { verifyDatabase } from "../../../src/store/verify/verify.ts";

// biome-ignore lint/suspicious/noExplicitAny: a test of damage writes anything anywhere
export type Json = any;

/** Files of a database by what they are. */
export type Files = Record<string, string>;

/** A value that cannot be, the file that it is written to, and what is found. */
export type Mutation = [what: string, file: string, change: (value: Json) => void, fault: RegExp];

/** A database or export whose files are changed with every checksum made to fit, and then put back. */
export class Forger {
  readonly dir: string;
  private readonly files: Files;
  private readonly kept = new Map<string, Buffer>();

  constructor(dir: string, files: Files) {
    this.dir = dir;
    this.files = files;
  }

  /** Changes a file's value and makes its checksum, and what states its hash, fit. */
  forge(file: string, change: (value: Json) => void): void {
    const name = this.files[file] ?? file;
    const path = join(this.dir, name);
    const before = readFileSync(path);
    if (!this.kept.has(name)) this.kept.set(name, before);
    const { checksum: _, ...value } = JSON.parse(before.toString());
    change(value);
    const text = checksummedJson(value);
    writeFileSync(path, text);
    if (!name.endsWith(".labels.json")) return;
    this.forge(name.replace(".labels.json", ".json"), (record) => (record.labels_sha256 = sha256Of(text)));
  }

  /** Makes an export's manifest state what its files hold now. */
  relist(): void {
    const forged = [...this.kept.keys()];
    this.forge("export.json", (manifest: ExportManifest) => {
      for (const file of manifest.files) {
        if (!forged.includes(file.path)) continue;
        const bytes = readFileSync(join(this.dir, file.path));
        Object.assign(file, { bytes: bytes.length, sha256: sha256Of(bytes) });
      }
    });
  }

  /** Puts every file back as it was. */
  restore(): void {
    for (const [name, bytes] of this.kept) writeFileSync(join(this.dir, name), bytes);
    this.kept.clear();
  }

  /** Removes files. */
  drop(...names: string[]): void {
    for (const name of names) rmSync(join(this.dir, name));
  }
}

/** What `verify` calls a fault. @param ids these alone; absent: everything */
export async function faultsOf(dir: string, ids?: string[]): Promise<string[]> {
  const db = await openDatabase(dir, { readOnly: true });
  const { findings } = await verifyDatabase(db, ids ?? db.listDefects(), ids === undefined);
  return findings.filter(isFault).map(({ file, finding }) => `${file}: ${finding}`);
}

function isFault({ severity }: Finding): boolean {
  return severity === "fault";
}

/** What `verify` finds while a file is changed: a line each. */
export async function faultsUnder(
  dir: string,
  forger: Forger,
  file: string,
  change: (value: Json) => void,
): Promise<string[]> {
  forger.forge(file, change);
  return faultsOf(dir).finally(() => forger.restore());
}
