import { join } from "node:path";
import { InputError } from "../../core/errors.ts";
import { type ForeignRecord, foreignRecord } from "../../records/foreign.ts";
import { LAYOUT } from "../../records/places.ts";
import type { Database } from "../database.ts";
import { exists, listFolder } from "../disk/fs.ts";
import { readJson } from "../disk/json.ts";

/** Ids of all foreign records, sorted. */
export function listForeign(db: Pick<Database, "layout">): string[] {
  return listFolder(db.layout.path("foreign"))
    .filter((file) => file.endsWith(".json"))
    .map((file) => `${LAYOUT.foreign}/${file.slice(0, -".json".length)}`);
}

export function hasForeign(db: Pick<Database, "layout">, id: string): boolean {
  return exists(foreignPath(db, id));
}

/** @throws InputError where there is no such record or it is damaged. */
export function readForeign(db: Pick<Database, "layout">, id: string): ForeignRecord {
  const path = foreignPath(db, id);
  if (!exists(path)) throw new InputError(`${db.layout.dir}: has no foreign model '${id}'`);
  const record = readJson(path, foreignRecord);
  if (record.id !== id) throw new InputError(`${path}: holds '${record.id}', not '${id}'`);
  return record;
}

/** @throws InputError where the id is malformed. */
export function foreignPath({ layout }: Pick<Database, "layout">, id: string): string {
  if (/^foreign\/[a-z0-9-]+$/.test(id)) return join(layout.path("foreign"), `${id.slice("foreign/".length)}.json`);
  throw new InputError(`bad id '${id}': expected foreign/<dataset>-<arch>-<attack>-<level>-top<NNN>`);
}
