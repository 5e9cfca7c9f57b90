import { randomBytes } from "node:crypto";
import { lstatSync, readdirSync, renameSync, rmdirSync, unlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { isAlive } from "../../files/process-identity.ts";
import { isOwnFolder } from "../../files/temporary.ts";
import type { Layout } from "../layout.ts";
import { ASIDE_NAME, isOwnPlace } from "../own-folders.ts";
import { exists, makeFolder, readBytes, removeFile, withPath } from "./fs.ts";

/** Files of a database that are set aside in its `tmp` until it is certain that nothing refers to them. */
export class SetAside {
  private readonly folder: string;
  private readonly moved: { path: string; kept: string }[] = [];

  constructor(layout: Layout, paths: readonly string[]) {
    this.folder = join(layout.path("tmp"), `prune-${process.pid}-${randomBytes(6).toString("hex")}`);
    makeFolder(this.folder);
    // Below the same folders as in the database, so that each can be put back whoever finds it.
    this.moved = paths.map((path) => ({ path, kept: join(this.folder, relative(layout.dir, path)) }));
  }

  /** Moves the files aside. */
  take(): void {
    for (const { path, kept } of this.moved) {
      makeFolder(dirname(kept));
      withPath(path, () => renameSync(path, kept));
    }
  }

  /** Puts the files back. One that was stored anew meanwhile has the same bytes. */
  putBack(): void {
    for (const { path, kept } of this.moved) if (exists(kept)) withPath(path, () => renameSync(kept, path));
    removeEmptyFolders(this.folder);
  }

  /** Deletes the files. */
  drop(): void {
    for (const { kept } of this.moved) removeFile(kept);
    removeEmptyFolders(this.folder);
  }
}

/** Puts back what a pruning that was killed had set aside: it may have come into use meanwhile. */
export function restoreAside(layout: Layout): void {
  const tmp = layout.path("tmp");
  if (!isOwnFolder(tmp)) return;
  for (const name of withPath(tmp, () => readdirSync(tmp))) {
    const pid = ASIDE_NAME.exec(name)?.[1];
    const aside = join(tmp, name);
    if (pid === undefined || isAlive({ pid: Number(pid), started: null }) || !isOwnFolder(aside)) continue;
    withPath(aside, () => restore(layout, aside, []));
    removeEmptyFolders(aside);
  }
}

/** Nothing that has no place in a database is touched. */
function restore(layout: Layout, aside: string, parts: string[]): void {
  for (const name of readdirSync(join(aside, ...parts))) {
    const below = [...parts, name];
    const kept = join(aside, ...below);
    const found = lstatSync(kept);
    if (found.isDirectory()) restore(layout, aside, below);
    if (!found.isFile() || !isOwnPlace(below)) continue;
    const place = join(layout.dir, ...below);
    if (!exists(place)) {
      makeFolder(dirname(place));
      renameSync(kept, place);
    } else if (readBytes(place).equals(readBytes(kept))) unlinkSync(kept);
  }
}

/** A folder that holds anything stays, and so do those above it. */
function removeEmptyFolders(folder: string): void {
  withPath(folder, () => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) removeEmptyFolders(join(folder, entry.name));
    }
    if (readdirSync(folder).length === 0) rmdirSync(folder);
  });
}
