import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The name of the database that ships with the package, for `--db`. */
export const SAMPLE = "sample";

/** Where it lies: beside the program's own folder. */
export const SAMPLE_DIR = fileURLToPath(new URL("../../../sample", import.meta.url));

/** Whether a folder is the shipped database, which nothing may change. */
export function isSample(dir: string): boolean {
  return resolve(dir) === SAMPLE_DIR;
}
