import { collectRefs } from "../../records/object-ref.ts";
import { LAYOUT } from "../../records/places.ts";
import { decodeState } from "../../tensor/safetensors.ts";
import type { Database } from "../database.ts";
import { readForeign } from "../foreign/records.ts";
import type { Findings } from "./findings.ts";
import { foreignFaults, poisonPathFaults } from "./rules/foreign.ts";

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
