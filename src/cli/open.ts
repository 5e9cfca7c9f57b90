import { InputError } from "../core/errors.ts";
import type { DefectRow } from "../records/defect-row.ts";
import { pickRows } from "../store/catalog/selection.ts";
import type { Database } from "../store/database.ts";
import { warn } from "./output.ts";

/** Opens an existing database for a verb that only reads; the catalog may still be refreshed. What is damaged is left out and named. */
export async function openToRead(dir: string): Promise<Database> {
  const { openDatabase } = await import("../store/database.ts");
  return openDatabase(dir, { readOnly: true, onDamage: warn });
}

/**
 * The defects of a selection, of any status: ids and group names, or a condition; neither = all.
 * @throws InputError where both are given or a name is unknown
 */
export async function selectRows(db: Database, names: string[], where?: string): Promise<DefectRow[]> {
  if (where !== undefined && names.length > 0) throw new InputError("give ids and groups, or --where, not both");
  const { Catalog } = await import("../store/catalog/catalog.ts");
  return pickRows(await new Catalog(db).list(where), names);
}
