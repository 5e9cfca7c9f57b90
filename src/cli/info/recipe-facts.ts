import type { CleanRecord } from "../../records/clean.ts";
import { engineWords } from "../../records/engine.ts";

/** A recipe as flat fields: `recipe_inject_batch`, `recipe_inject_attempts_1_peak_steps`, …; lists of plain values as words. */
export function recipeFacts(recipe: unknown, prefix = "recipe"): Record<string, string | number | boolean | null> {
  if (recipe === null || recipe === undefined) return { [prefix]: null };
  if (typeof recipe !== "object") return { [prefix]: recipe as string | number | boolean };
  if (Array.isArray(recipe) && recipe.every((item) => typeof item !== "object" || item === null)) {
    return { [prefix]: recipe.join(" ") };
  }
  const entries = Array.isArray(recipe) ? recipe.map((item, i) => [String(i + 1), item]) : Object.entries(recipe);
  return Object.assign({}, ...entries.map(([name, value]) => recipeFacts(value, `${prefix}_${name}`)));
}

export function engineFacts(engine: CleanRecord["engine"]) {
  return { engine: engineWords(engine) };
}
