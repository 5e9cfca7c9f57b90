import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../core/errors.ts";
import type { ObjectRef } from "../../records/object-ref.ts";
import { exists, readBytes, removeFile, withPath, writeAtomic } from "../disk/fs.ts";
import { restoreMend } from "../disk/restore.ts";
import { decodeContainer, encodeContainer, type Purpose } from "./container.ts";

export function sha256Of(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/**
 * Content-addressed objects: `objects/ab/<sha256 of the stored bytes>`. Equal content is stored once; an object is
 * never rewritten with other bytes. Reading hashes what is stored and what it decodes to.
 */
export class ObjectStore {
  private readonly folder: string;
  private readonly tmpDir: string;

  constructor(folder: string, tmpDir: string) {
    this.folder = folder;
    this.tmpDir = tmpDir;
  }

  path(object: string): string {
    return join(this.folder, object.slice(0, 2), object);
  }

  has(object: string): boolean {
    return exists(this.path(object));
  }

  /** Stored bytes; 0 where there is no such object. */
  sizeOf(object: string): number {
    const path = this.path(object);
    return withPath(path, () => statSync(path, { throwIfNoEntry: false })?.size ?? 0);
  }

  /**
   * Stores bytes compressed. Safe to repeat and to run from several processes.
   * @param halvesFrom where 16-bit values begin, for bytes that are such behind a preface
   */
  async put(
    bytes: Uint8Array,
    purpose: Purpose = "data",
    decodedSha256 = sha256Of(bytes),
    halvesFrom?: number,
  ): Promise<ObjectRef> {
    const stored = await encodeContainer(bytes, purpose, halvesFrom);
    const object = sha256Of(stored);
    // Written even where a file of that name exists but is damaged; an intact one is left alone.
    if (!this.has(object) || sha256Of(readBytes(this.path(object))) !== object) {
      writeAtomic(this.path(object), stored, this.tmpDir);
    }
    return { object, bytes: stored.length, decoded_sha256: decodedSha256 };
  }

  /** The decoded bytes. @throws InputError where the object is missing or its stored bytes are not what its name says. */
  async open(object: string): Promise<{ purpose: Purpose; bytes: Uint8Array }> {
    const path = this.path(object);
    if (!this.has(object)) throw new InputError(`${path}: this object is missing; ${restoreMend(path)}`);
    const stored = readBytes(path);
    if (sha256Of(stored) !== object) {
      throw new InputError(
        `${path}: damaged: its bytes do not have the hash that it is named by; ${restoreMend(path)}`,
      );
    }
    return decodeContainer(stored, path);
  }

  /** As `open`, for data whose decoded hash the reference states. */
  async read(ref: ObjectRef): Promise<Uint8Array> {
    const { bytes } = await this.open(ref.object);
    if (sha256Of(bytes) !== ref.decoded_sha256) {
      throw new InputError(`${this.path(ref.object)}: decodes to other bytes than its record states`);
    }
    return bytes;
  }

  /** Deletes an object that nothing refers to any more. */
  drop(object: string): void {
    removeFile(this.path(object));
  }
}
