import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { InputError } from "../core/errors.ts";
import { exists, makeFolder, withPath } from "./fs.ts";

/** @throws InputError where a path is a file or a folder that holds something. */
export function refuseOccupied(dir: string): void {
  withPath(dir, () => {
    const there = statSync(resolve(dir), { throwIfNoEntry: false });
    if (!there) return;
    if (!there.isDirectory()) throw new InputError(`${dir}: is a file; name a new folder`);
    if (readdirSync(dir).length > 0) throw new InputError(`${dir}: is not empty; name a new or empty folder`);
  });
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
      if (exists(target)) rmdirSync(target);
      renameSync(temporary, target);
    });
  });
}

/** Runs work with a name beside a path; what lies there when the work has ended, or failed, is removed. */
export async function beside(path: string, work: (temporary: string) => Promise<void>): Promise<void> {
  const parent = dirname(resolve(path));
  const temporary = join(parent, `.${basename(path)}.${process.pid}-${randomBytes(4).toString("hex")}.part`);
  makeFolder(parent);
  try {
    await work(temporary);
  } finally {
    withPath(path, () => rmSync(temporary, { recursive: true, force: true }));
  }
}
