import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import type { z } from "zod";
import { suggestion } from "../../core/closest.ts";
import { InputError } from "../../core/errors.ts";
import { depthOf, MOST_DEPTH } from "../../store/disk/bounded-json.ts";
import { readBytes } from "../../store/disk/fs.ts";

const FOLDER = fileURLToPath(new URL("../../../recipes/", import.meta.url));
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
  throw new InputError(
    `unknown ${kind} '${nameOrPath}'${suggestion(nameOrPath, names)}; valid: ${names.join(", ")}, or the path of a recipe file`,
  );
}

/** The longest of ours has 8 kB. */
const MOST_BYTES = 1 << 20;
/** More than brackets that a recipe can need; in blocks, columns of indentation. */
const TOO_DEEP = /([[{]\s*){32}|^(- ){32}|^ {512}/m;

/** @throws InputError on what is no plain file, or no recipe by its size or depth */
function recipeText(path: string): string {
  const bytes = readBytes(path, MOST_BYTES);
  const text = bytes.toString("utf8");
  if (TOO_DEEP.test(text) || depthOf(bytes) > MOST_DEPTH) {
    throw new InputError(`${path}: is nested deeper than any recipe`);
  }
  return text;
}

/** Reads a recipe. @throws InputError naming the file and the first fault */
export function readRecipe<T>(path: string, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = parse(recipeText(path));
  } catch (error) {
    if (error instanceof InputError) throw error;
    // The library's first line announces the lines that it shows.
    const [reason] = (error as Error).message.split("\n");
    throw new InputError(`${path}: cannot be read as YAML: ${reason.replace(/:$/, "")}`);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new InputError(`${path}: ${issue.path.join(".") || "recipe"}: ${issue.message}`);
}
