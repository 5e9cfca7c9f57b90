import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import type { z } from "zod";
import { InputError } from "../core/errors.ts";

const FOLDER = fileURLToPath(new URL("../../recipes/", import.meta.url));
/** Recipes of studies begin so; all others are editions. */
const STUDY = /^study/;

/** Names of the shipped recipes of a kind. */
export function recipeNames(kind: "edition" | "study"): string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith(".yaml") && STUDY.test(file) === (kind === "study"))
    .map((file) => file.slice(0, -".yaml".length))
    .sort();
}

/** The path of a shipped recipe, by name, or of a file of the user's own. @throws InputError on an unknown name */
export function recipePath(kind: "edition" | "study", nameOrPath: string): string {
  if (/[./\\]/.test(nameOrPath)) return nameOrPath;
  const names = recipeNames(kind);
  if (names.includes(nameOrPath)) return `${FOLDER}${nameOrPath}.yaml`;
  throw new InputError(`unknown ${kind} '${nameOrPath}'; valid: ${names.join(", ")}, or the path of a recipe file`);
}

/** Reads a recipe. @throws InputError naming the file and the first fault */
export function readRecipe<T>(path: string, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new InputError(`${path}: cannot be read as YAML: ${(error as Error).message.split("\n")[0]}`);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new InputError(`${path}: ${issue.path.join(".") || "recipe"}: ${issue.message}`);
}
