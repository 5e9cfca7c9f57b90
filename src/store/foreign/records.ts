import { join } from "node:path";
import { InputError } from "../../core/errors.ts";
import { decodeState } from "../../tensor/safetensors.ts";
import type { Database } from "../database.ts";
import type { Findings } from "../verify/findings.ts";
import { exists, listFolder } from "../disk/fs.ts";
import { readJson } from "../disk/json.ts";
import { LAYOUT } from "../layout.ts";
import { collectRefs } from "../objects/references.ts";
import { foreignFaults, poisonPathFaults } from "../verify/rules/foreign.ts";
import { type ForeignRecord, foreignRecord } from "./schema.ts";

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

/** Schema, objects as stored and as decoded, and that the model holds the tensors that the record counts. */
export async function verifyForeign(db: Database, findings: Findings, path: string, name: string): Promise<void> {
  const id = `${LAYOUT.foreign}/${name.slice(0, -".json".length)}`;
  const record = await findings.check(path, id, () => readForeign(db, id));
  if (!record) return;
  for (const ref of collectRefs(record)) {
    const objectPath = db.objects.path(ref.object);
    const bytes = await findings.check(objectPath, id, () => db.objects.read(ref));
    if (!bytes || ref.object !== record.model.object) continue;
    const state = await findings.check(objectPath, id, () => decodeState(bytes, objectPath));
    const parameters = state && [...state.values()].reduce((sum, { data }) => sum + data.length, 0);
    if (state && (state.size !== record.tensors || parameters !== record.parameters)) {
      findings.fault(objectPath, "holds other tensors than its record counts", id);
    }
    for (const text of state ? foreignFaults(record, state) : []) findings.fault(path, text, id);
    const { poison_path } = record;
    const told = state && poison_path && (await findings.check(path, id, () => db.objects.read(poison_path)));
    for (const text of told ? poisonPathFaults(record, state, told) : []) findings.fault(path, text, id);
  }
}
