import { rmdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { z } from "zod";
import { InputError } from "../../core/errors.ts";
import { clearStaging } from "../../files/staging.ts";
import { clearTemporaries, isOwnFolder } from "../../files/temporary.ts";
import { assertMayWrite, isLink, listFolder, removeFile } from "../../store/disk/fs.ts";
import { readJson, writeJson } from "../../store/disk/json.ts";
import { sha256Of } from "../../store/objects/objects.ts";

const STEP = /^[0-9a-f]{64}\.json$/;

/** A hash of facts that decide something: equal facts in the same order give the same one. */
export function madeFrom(facts: object): string {
  return sha256Of(JSON.stringify(facts));
}

/**
 * What long steps of a command came to, in a folder beside its output until the command has ended: one that was killed
 * does not take them again. A step is known by all that decides it.
 */
export class FinishedSteps {
  private readonly folder: string;

  /**
   * Writes nothing; removes what a killed run of output that appears whole left beside the folder.
   *
   * @throws InputError where no folder could be put there
   */
  constructor(folder: string) {
    clearStaging(dirname(folder));
    if (isLink(folder)) throw new InputError(`${folder}: is a symbolic link; name another folder with --out`);
    assertMayWrite(folder);
    this.folder = folder;
  }

  /**
   * What a step came to, computed where no earlier run had finished it.
   *
   * @param facts all that decides it
   * @param schema of what it comes to; numbers that JSON cannot hold are not kept
   */
  async once<T extends Record<string, unknown>>(
    facts: object,
    schema: z.ZodType<T>,
    work: () => Promise<T>,
  ): Promise<T> {
    const path = join(this.folder, `${madeFrom(facts)}.json`);
    try {
      return readJson(path, schema);
    } catch {
      // Absent, or damaged: it is computed.
    }
    const value = await work();
    const { success, data } = schema.safeParse(value);
    if (success) writeJson(path, schema, data, this.folder);
    return value;
  }

  /** Deletes the steps, and the folder where nothing else lies in it. */
  forget(): void {
    if (!isOwnFolder(this.folder)) return;
    clearTemporaries(this.folder, 0);
    for (const name of listFolder(this.folder)) if (STEP.test(name)) removeFile(join(this.folder, name));
    if (listFolder(this.folder).length > 0) return;
    try {
      rmdirSync(this.folder);
    } catch {
      // Another command writes a step, or has removed it.
    }
  }
}
