import { join } from "node:path";
import { InputError } from "../core/errors.ts";
import { groupId, parseDefectId } from "../core/ids.ts";

/**
 * Where things lie in a database's folder. `claims`, `tmp`, `jobs` (scripts and logs of cluster jobs), the journal
 * and the catalog are the only parts that are not hashed; they can be lost without losing a fact.
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
} as const;

const CLEAN_ID = /^clean\/([a-z0-9]+-[a-z0-9]+-s\d+)$/;
const RESULT_NAME = /^[a-z0-9][a-z0-9_.-]*(\/[a-z0-9][a-z0-9_.-]*)*$/i;

/** How the file of a result's weights ends. */
export const WEIGHTS_SUFFIX = ".safetensors";

/** Paths below a database's folder; ids are checked, so that none leads out of it. */
export class Layout {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
  }

  path(part: keyof typeof LAYOUT): string {
    return join(this.dir, LAYOUT[part]);
  }

  /** @throws InputError where the id is malformed. */
  defect(id: string): string {
    return join(this.path("defects"), groupId(parseDefectId(id)), `${id}.json`);
  }

  labels(id: string): string {
    return join(this.path("defects"), groupId(parseDefectId(id)), `${id}.labels.json`);
  }

  clean(id: string): string {
    return join(this.path("clean"), `${cleanName(id)}.json`);
  }

  checkpoint(id: string): string {
    return join(this.path("clean"), `${cleanName(id)}.checkpoint.json`);
  }

  result(name: string): string {
    return resultPath(this.path("results"), name);
  }
}

/** The file of a result in a folder of results. @throws InputError where its name leads elsewhere. */
export function resultPath(folder: string, name: string): string {
  if (!RESULT_NAME.test(name)) throw new InputError(`bad result name '${name}'`);
  return join(folder, `${name}.json`);
}

/** The weights that belong to a result: beside it, under its name. @throws InputError where the name leads elsewhere. */
export function weightsPath(folder: string, name: string): string {
  return resultPath(folder, name).replace(/\.json$/, WEIGHTS_SUFFIX);
}

function cleanName(id: string): string {
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
