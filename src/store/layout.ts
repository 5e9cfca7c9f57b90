import { join } from "node:path";
import { InputError } from "../core/errors.ts";
import { groupId, parseDefectId } from "../core/ids.ts";
import { cleanName, LAYOUT, WEIGHTS_SUFFIX } from "../records/places.ts";

const RESULT_NAME = /^[a-z0-9][a-z0-9_.-]*(\/[a-z0-9][a-z0-9_.-]*)*$/i;

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
