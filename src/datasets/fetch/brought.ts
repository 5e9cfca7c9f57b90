import { InputError } from "../../core/errors.ts";
import type { DatasetDefinition } from "../types.ts";

type Brought = Pick<DatasetDefinition, "name" | "layouts" | "source" | "homepage">;

/** Whether users lay a data set out themselves: it has files, and no archive of it is known. */
export function isBrought<D extends Partial<DatasetDefinition>>(definition: D): definition is D & Brought {
  const { layouts, downloads, otherArchives } = definition;
  return Boolean(layouts?.length && !downloads?.length && !otherArchives?.length);
}

/** Says where such a data set is offered, and how its files are laid out. */
export function notFetched({ name, layouts, source, homepage }: Brought, dataDir: string): InputError {
  const offered = homepage === undefined ? source : `${source} from ${homepage}`;
  return new InputError(
    `${name} is not fetched (${offered}): lay it out in ${dataDir} as ${layouts.join(", or ")}; then run 'bdefects data check ${name}'`,
  );
}
