import { BUDGETS } from "../core/budget.ts";
import { DEVICES } from "../core/device.ts";
import { LEVELS, OFFSETS, STYLES } from "../core/ids.ts";
import { FORMATS } from "./output.ts";

/** What may follow an option that has a list of valid names, by the option's long name without dashes. */
const VALUES: Record<string, () => Promise<Iterable<string>>> = {
  format: async () => FORMATS,
  level: async () => LEVELS,
  style: async () => STYLES,
  offset: async () => OFFSETS.map(String),
  device: async () => DEVICES,
  budget: async () => BUDGETS,
  db: async () => ["sample", "whole", "lanes", "text"],
  attack: async () => (await import("../tasks/registry.ts")).ATTACKS.keys(),
  arch: async () => (await import("../tasks/registry.ts")).ARCHITECTURES.keys(),
  dataset: async () => (await import("../tasks/registry.ts")).DATASETS.keys(),
  criterion: async () => (await import("../localize/registry.ts")).CRITERIA.keys(),
  using: async () => ["oracle", "random", ...(await import("../localize/registry.ts")).CRITERIA.keys()],
  method: async () => (await import("../repair/registry.ts")).REPAIRS.keys(),
  edition: async () => (await import("../pipeline/recipe/recipe-file.ts")).recipeNames("edition"),
};

/** What may stand in a verb's positional, by the argument's name; others are files or free text. */
const POSITIONALS: Record<string, (dir: string) => Promise<Iterable<string>>> = {
  name: async () => (await import("../tasks/registry.ts")).DATASETS.keys(),
  recipe: async () => (await import("../pipeline/recipe/recipe-file.ts")).recipeNames("study"),
  id: namesIn,
  selection: namesIn,
};

/** @returns what the option may have, nothing where that is open */
export async function optionValues(name: string): Promise<string[]> {
  return Object.hasOwn(VALUES, name) ? [...(await VALUES[name]())] : [];
}

/** @param dir the database's folder */
export async function positionalValues(name: string, dir: string): Promise<string[]> {
  return Object.hasOwn(POSITIONALS, name) ? [...(await POSITIONALS[name](dir))] : [];
}

/** Ids, groups, clean and foreign models of a database. Reads names of files alone. */
async function namesIn(dir: string): Promise<string[]> {
  const { openDatabase } = await import("../store/database.ts");
  const { listForeign } = await import("../store/foreign/records.ts");
  const db = await openDatabase(dir, { readOnly: true });
  const ids = [...db.listDefects(), ...listForeign(db)];
  const groups = new Set(ids.map((id) => id.split("-").slice(0, 3).join("-")));
  return [...groups, ...ids, ...db.listClean()];
}
