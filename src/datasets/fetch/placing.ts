import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { InputError } from "../../core/errors.ts";
import { reasonOf } from "../../files/data-file.ts";
import { clearStaging, withStaging } from "../../files/staging.ts";
import type { Download } from "../types.ts";
import { unpack } from "./unpack.ts";

/** Where parts and half-unpacked archives lie, below the data folder so that renaming them is one step. */
const WORKSHOP = ".fetch";

/** An archive on this disk. */
export interface LocalArchive {
  path: string;
  /** For messages, and for the folder in which it is unpacked. */
  name: string;
  archive: Download["archive"];
  /** Folder below the data folder into which it is unpacked. */
  into: string;
}

/** A path of an unpacked archive, and the one below the data folder to which it goes. */
export interface Move {
  from: string;
  to: string;
}

/**
 * Makes the folder of downloads and half-unpacked archives.
 *
 * @param part a file in it. @throws InputError where either is a link: nothing is written or deleted through one
 */
export function openWorkshop(dataDir: string, part?: string): string {
  const workshop = join(dataDir, WORKSHOP);
  onDisk(workshop, () => mkdirSync(workshop, { recursive: true }));
  for (const path of part === undefined ? [workshop] : [workshop, join(workshop, part)]) {
    if (!lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) continue;
    throw new InputError(`${path}: is a symbolic link; remove it, downloads are written beside the data`);
  }
  return workshop;
}

/** Removes what a run left that was killed after its data were in place. @param part the download, as `openWorkshop` has it */
export function clearWorkshop(dataDir: string, part: string): void {
  const workshop = join(dataDir, WORKSHOP);
  if (!lstatSync(workshop, { throwIfNoEntry: false })?.isDirectory()) return;
  clearStaging(workshop);
  const path = join(workshop, part);
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile()) onDisk(path, () => rmSync(path, { force: true }));
  closeWorkshop(dataDir, false);
}

/** Removes that folder where nothing is left in it. @param isNewFolder whether the data folder was made for it, and goes too */
export function closeWorkshop(dataDir: string, isNewFolder: boolean): void {
  for (const folder of [join(dataDir, WORKSHOP), ...(isNewFolder ? [dataDir] : [])]) {
    const isOurs = lstatSync(folder, { throwIfNoEntry: false })?.isDirectory();
    if (isOurs && readdirSync(folder).length === 0) rmdirSync(folder);
  }
}

/**
 * Unpacks an archive aside and moves what it brought into place, in one step each.
 *
 * @param choose what goes where, by the folder of what was unpacked. @throws InputError; then nothing half-made lies in place
 */
export async function place(
  { path, name, archive, into }: LocalArchive,
  dataDir: string,
  choose: (stage: string) => Move[],
): Promise<void> {
  const workshop = openWorkshop(dataDir);
  try {
    await withStaging(workshop, name, async (stage) => {
      const target = join(stage, into);
      onDisk(target, () => mkdirSync(target, { recursive: true }));
      await unpack(archive, path, target, name);
      for (const { from, to } of choose(stage)) moveTo(from, join(dataDir, to));
    });
  } catch (error) {
    throw (error as NodeJS.ErrnoException).syscall ? writeFault(workshop, error) : error;
  }
}

/** The places of an archive as they are below the data folder. @throws InputError where the archive lacks one of the places */
export function movesOf(archive: string, places: string[], stage: string): Move[] {
  const absent = places.find((path) => !existsSync(join(stage, path)));
  if (absent) throw new InputError(`${archive}: the archive lacks ${absent}`);
  return places.map((path) => ({ from: join(stage, path), to: path }));
}

function moveTo(from: string, target: string): void {
  onDisk(target, () => {
    mkdirSync(dirname(target), { recursive: true });
    if (lstatSync(target, { throwIfNoEntry: false })?.isSymbolicLink()) {
      throw new InputError(
        `${target}: is a symbolic link that leads nowhere; remove it or bring back what it leads to`,
      );
    }
    renameSync(from, target);
  });
}

function onDisk<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof InputError ? error : writeFault(path, error);
  }
}

function writeFault(path: string, error: unknown): InputError {
  return new InputError(`cannot write ${path}: ${reasonOf(error)}`);
}
