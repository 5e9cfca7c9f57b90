import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { sha256Of } from "../../src/store/objects/objects.ts";

/** What promises nothing: the workings of builders, and what is derived. */
const UNHASHED = /^(claims|tmp|jobs|journal|catalog)/;

/** The facts of a database (or of any folder): file → hash of its bytes. */
export function factsOf(dir: string): Record<string, string> {
  const all = treeOf(dir);
  return Object.fromEntries(Object.entries(all).filter(([file]) => !UNHASHED.test(file)));
}

/** Every file and folder below a folder: name → hash of its bytes, for folders `folder`. */
export function treeOf(dir: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(dir, { recursive: true, withFileTypes: true })
      .map((entry) => {
        const path = join(entry.parentPath, entry.name);
        return [relative(dir, path), entry.isFile() ? sha256Of(readFileSync(path)) : "folder"] as const;
      })
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

export function readJson(...path: string[]): Record<string, unknown> {
  return JSON.parse(readFileSync(join(...path), "utf8"));
}

/**
 * All that a build decides: every fact, records without what measures time (and the checksums over it). Two builds of
 * one recipe must agree in all of it.
 */
export function decidedBy(dir: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(factsOf(dir))
      .filter(([, hash]) => hash !== "folder")
      .map(([file, hash]) => {
        const isRecord = file.endsWith(".json") && !file.endsWith(".labels.json");
        return [file, isRecord ? timeless(readJson(dir, file)) : hash];
      }),
  );
}

function timeless(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(timeless);
  const kept = Object.entries(value).filter(([key]) => !["seconds", "timings", "created", "checksum"].includes(key));
  return Object.fromEntries(kept.map(([key, part]) => [key, timeless(part)]));
}
