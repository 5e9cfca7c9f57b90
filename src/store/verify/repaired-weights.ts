import { InputError } from "../../core/errors.ts";
import { stateShapes } from "../../graph/network.ts";
import { isForeignName } from "../../records/foreign.ts";
import { WEIGHTS_SUFFIX } from "../../records/places.ts";
import { type RepairFile, repairSchema } from "../../records/repair.ts";
import { fittingNetwork } from "../../tasks/classification/models/recognition/recognise.ts";
import { buildNetwork } from "../../tasks/registry.ts";
import { decodeState } from "../../tensor/safetensors.ts";
import type { StateDict } from "../../tensor/state.ts";
import type { Database } from "../database.ts";
import { exists, readBytes } from "../disk/fs.ts";
import { readJson } from "../disk/json.ts";
import { hasForeign, readForeign } from "../foreign/records.ts";
import { sha256Of } from "../objects/objects.ts";
import { resultOf } from "../results/repaired-weights.ts";
import type { Findings } from "./findings.ts";

/** Verifies repaired weights: a result beside them states their hash, and they are of its defect's network. */
export async function verifyWeights(db: Database, findings: Findings, path: string): Promise<void> {
  const result = resultOf(path);
  const repair = exists(result) ? await findings.check(path, null, () => readJson(result, repairSchema)) : null;
  if (repair === null && exists(result)) return;
  if (repair?.weights_sha256 === undefined) {
    findings.note(path, "no result states these weights: left by a repair that was cut short");
    return;
  }
  const bytes = readBytes(path);
  if (sha256Of(bytes) !== repair.weights_sha256) {
    findings.fault(path, "damaged: not the weights that its result states", repair.id);
    return;
  }
  await findings.check(path, repair.id, () => assertOfNetwork(db, repair, bytes, path));
}

/** @returns the fault of a repair that states weights which are not there; null where there is none. */
export function missingWeights(path: string, content: Record<string, unknown>): string | null {
  if (content.kind !== "repair" || content.weights_sha256 === undefined || exists(weightsOf(path))) return null;
  return `states repaired weights, and there is no ${weightsOf(path)}`;
}

function assertOfNetwork(db: Database, { id }: RepairFile, bytes: Uint8Array, path: string): void {
  const state = decodeState(bytes, path);
  if (isForeignName(id)) assertOfForeign(db, id, state, path);
  if (isForeignName(id) || !db.hasDefect(id)) return;
  const record = db.readDefect(id);
  const shapes = stateShapes(buildNetwork(record.arch, db.readClean(record.clean).classes.length));
  const fits = [...shapes].every(([key, shape]) => state.get(key)?.shape.join() === shape.join());
  if (!fits || state.size !== shapes.size) throw new InputError(`${path}: these are no weights of a ${record.arch}`);
}

function assertOfForeign(db: Database, id: string, state: StateDict, path: string): void {
  if (!hasForeign(db, id)) return;
  const { fits } = readForeign(db, id);
  if (fittingNetwork(state)?.arch !== fits) throw new InputError(`${path}: these are no weights of a ${fits}`);
}

function weightsOf(path: string): string {
  return path.replace(/\.json$/, WEIGHTS_SUFFIX);
}
