import { constants, copyFileSync, linkSync, lstatSync, mkdirSync, readdirSync, renameSync, rmdirSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { InputError } from "../../core/errors.ts";
import { clearStaging, withStaging } from "../../files/staging.ts";
import { asInputError, assertMayWrite, makeFolder, withPath } from "./fs.ts";

/** @throws InputError where a path is a link, a file or a folder that holds something, or no folder could be put there. */
export function refuseOccupied(dir: string): void {
  withPath(dir, () => {
    const there = lstatSync(resolve(dir), { throwIfNoEntry: false });
    if (!there) return assertMayWrite(dirname(resolve(dir)));
    // A run that was killed when all was in place left its staging folder, and none may come after it.
    clearStaging(dirname(resolve(dir)));
    if (there.isSymbolicLink()) throw new InputError(`${dir}: is a symbolic link; name a new folder`);
    if (!there.isDirectory()) throw new InputError(`${dir}: is a file; name a new folder`);
    if (readdirSync(dir).length > 0) throw new InputError(`${dir}: is not empty; name a new or empty folder`);
    assertMayWrite(dirname(resolve(dir)));
  });
}

/** @throws InputError where anything lies at a path, also a link that leads nowhere, or no file could be put there. */
export function refuseExisting(path: string): void {
  const there = withPath(path, () => lstatSync(resolve(path), { throwIfNoEntry: false }));
  if (there) {
    clearStaging(dirname(resolve(path)));
    throw new InputError(`${path}: exists already; name a new file`);
  }
  assertMayWrite(dirname(resolve(path)));
}

/**
 * Fills a folder that did not exist or was empty, so that it appears whole or not at all: beside the target, under
 * another name, then renamed.
 * @param fill writes into the folder that it is given
 */
export async function fillNewFolder(dir: string, fill: (folder: string) => void | Promise<void>): Promise<void> {
  refuseOccupied(dir);
  const target = resolve(dir);
  await beside(target, async (temporary) => {
    withPath(dir, () => mkdirSync(temporary));
    await fill(temporary);
    withPath(dir, () => {
      if (lstatSync(target, { throwIfNoEntry: false })) rmdirSync(target);
      renameSync(temporary, target);
    });
  });
}

/** Puts a finished file at a path where nothing may lie. @throws InputError where something lies there by now. */
export function placeNewFile(from: string, path: string): void {
  withPath(path, () => {
    try {
      linkSync(from, path);
    } catch (error) {
      // Some file systems have no hard links.
      if ((error as NodeJS.ErrnoException).code === "EEXIST") throw error;
      copyFileSync(from, path, constants.COPYFILE_EXCL);
    }
  });
}

/** Runs work with a name beside a path; what lies there when the work has ended, failed or was killed is removed. */
export async function beside(path: string, work: (temporary: string) => Promise<void>): Promise<void> {
  const parent = dirname(resolve(path));
  makeFolder(parent);
  try {
    await withStaging(parent, `.${basename(path)}`, (folder) => work(join(folder, "made")));
  } catch (error) {
    throw asInputError(error, path);
  }
}
