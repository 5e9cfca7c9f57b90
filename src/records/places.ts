import { InputError } from "../core/errors.ts";
import { groupId, parseDefectId } from "../core/ids.ts";

/**
 * Where things lie in a database's folder. `claims`, `tmp`, `jobs` (scripts and logs of cluster jobs), the journal,
 * the catalog and the list of what was unpacked are the only parts that are not hashed; they can be lost without losing a fact.
 */
export const LAYOUT = {
  manifest: "database.json",
  clean: "clean",
  defects: "defects",
  foreign: "foreign",
  objects: "objects",
  results: "results",
  claims: "claims",
  tmp: "tmp",
  jobs: "jobs",
  journal: "journal.jsonl",
  catalog: "catalog.duckdb",
  report: "report.html",
  /** Only in a database that was unpacked from archives: what was unpacked. */
  unpacked: "unpacked.json",
} as const;

const CLEAN_ID = /^clean\/([a-z0-9]+-[a-z0-9]+-s\d+)$/;

/** How the file of a result's weights ends. */
export const WEIGHTS_SUFFIX = ".safetensors";

/** The name of a clean model's file, without its suffix. @throws InputError where the id is malformed */
export function cleanName(id: string): string {
  const match = CLEAN_ID.exec(id);
  if (match) return match[1];
  throw new InputError(`bad clean model id '${id}': expected clean/<dataset>-<arch>-s<seed>`);
}

export function isCleanId(id: string): boolean {
  return CLEAN_ID.test(id);
}

/** Whether a name is a defect id and of this group. */
export function isDefectOf(group: string, name: string): boolean {
  try {
    return groupId(parseDefectId(name)) === group;
  } catch {
    return false;
  }
}
