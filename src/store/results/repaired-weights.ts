import { readdirSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { isForeignId } from "../../records/foreign.ts";
import { isDefectOf, LAYOUT, WEIGHTS_SUFFIX } from "../../records/places.ts";
import { repairSchema } from "../../records/repair.ts";
import type { Database } from "../database.ts";
import { exists, withPath } from "../disk/fs.ts";
import { readJson } from "../disk/json.ts";

/** Repaired weights, which `repair --keep` lays beside the results that state their hash. */

/** Paths of repaired weights that no result states. */
export function weightsOfNoResult(db: Database): string[] {
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

/** The result that weights at this place belong to. */
export function resultOf(path: string): string {
  return `${path.slice(0, -WEIGHTS_SUFFIX.length)}.json`;
}
