import { InputError } from "../../core/errors.ts";
import { stateShapes } from "../../graph/network.ts";
import { fittingNetwork } from "../../models/recognition/recognise.ts";
import { buildNetwork } from "../../models/registry.ts";
import { isForeignName } from "../../records/foreign.ts";
import { WEIGHTS_SUFFIX } from "../../records/places.ts";
import { type RepairFile, repairSchema } from "../../records/repair.ts";
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

function weightsOfNoResult(db: Database): string[] {
  const root = db.layout.path("results");
  if (!exists(root)) return [];
  return withPath(root, () => readdirSync(root, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name.endsWith(WEIGHTS_SUFFIX))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => isWeightsPlace(relative(root, path)) && statedHash(path) === null)
    .sort();
}

/** Whether `repair --keep` lays weights there: other weights below `results/` are somebody's own. */
function isWeightsPlace(path: string): boolean {
  const [repair, method, using, ...rest] = path.split(sep);
  if (repair === "repair" && rest.length === 2 && rest[0] === LAYOUT.foreign) {
    return isForeignId(`${rest[0]}/${rest[1].slice(0, -WEIGHTS_SUFFIX.length).split(".")[0]}`);
  }
  const [file, ...more] = rest;
  if (repair !== "repair" || method === undefined || using === undefined || file === undefined) return false;
  const id = file.slice(0, -WEIGHTS_SUFFIX.length).split(".")[0];
  return more.length === 0 && isDefectOf(id.split("-").slice(0, 3).join("-"), id);
}

/** The hash that a result states of weights at this place; null where none does. @throws InputError where it is damaged */
export function statedHash(path: string): string | null {
  const result = resultOf(path);
  return exists(result) ? (readJson(result, repairSchema).weights_sha256 ?? null) : null;
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

function resultOf(path: string): string {
  return `${path.slice(0, -WEIGHTS_SUFFIX.length)}.json`;
}

function weightsOf(path: string): string {
  return path.replace(/\.json$/, WEIGHTS_SUFFIX);
}
