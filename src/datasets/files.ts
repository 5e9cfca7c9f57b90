import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../core/errors.ts";
import type { DatasetDefinition } from "./types.ts";

/** Why the operating system refused, in words. */
export function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  switch (code) {
    case "ENOENT":
      return "it does not exist";
    case "EACCES":
    case "EPERM":
      return "permission denied";
    case "EEXIST":
      return "it exists already";
    case "ENOTEMPTY":
      return "a folder of that name exists already";
    case "EISDIR":
      return "it is a folder";
    case "ENOTDIR":
      return "a part of its path is no folder";
    case "EROFS":
      return "the file system is read-only";
    case "ENOSPC":
      return "no space is left on the device";
    default:
      return code ?? (error instanceof Error ? error.message : String(error));
  }
}

/** The whole file. @throws InputError naming it and why it cannot be read. */
export function readDataFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new InputError(`cannot read ${path}: ${reasonOf(error)}`);
  }
}

/** @throws InputError naming the first of the data set's files that the data folder lacks, and how to get it */
export function requireFiles({ name, files }: Pick<DatasetDefinition, "name" | "files">, dataDir: string): void {
  for (const file of files) if (!existsSync(join(dataDir, file))) throw missing(name, join(dataDir, file));
}

export function missing(dataset: string, path: string): InputError {
  return new InputError(
    `no ${path}: run 'bdefects data fetch ${dataset}' or name the folder that holds the data with --data`,
  );
}
