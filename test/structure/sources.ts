import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** One import of a source file. */
export interface Import {
  /** Who imports, below the root, e.g. `src/graph/fold.ts`. */
  from: string;
  /** A file below the root for a relative import, else the package's or Node's name as written. */
  to: string;
  relative: boolean;
  /** Whether nothing but types is imported, so that nothing is loaded at run time. */
  typesOnly: boolean;
  /** Whether it is loaded where the code comes to it, not with the file. */
  dynamic: boolean;
  /** What is imported, as written between the keyword and `from`. */
  names: string;
}

/** TypeScript files below a folder of the repository, as paths below the root. */
export function sourcesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .sort();
}

export function textOf(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}

const FROM = /^(?:import|export)\s+(type\s+)?([^;"'`]*?)\s*from\s+"([^"]+)"/gm;
const BARE = /^import\s+"([^"]+)"/gm;
const DYNAMIC = /\bimport\(\s*"([^"]+)"\s*\)/g;

/** Every import and re-export of a file: static, for side effects, and dynamic. */
export function importsOf(file: string, text = textOf(file)): Import[] {
  const make = (target: string, names: string, typesOnly: boolean, dynamic = false): Import => {
    const isRelative = target.startsWith(".");
    const to = isRelative ? join(dirname(file), target).replaceAll("\\", "/") : target;
    return { from: file, to, relative: isRelative, typesOnly, dynamic, names };
  };
  return [
    ...[...text.matchAll(FROM)].map(([, type, names, target]) =>
      make(target, names, type !== undefined || isTypesOnly(names)),
    ),
    ...[...text.matchAll(BARE)].map(([, target]) => make(target, "", false)),
    ...[...text.matchAll(DYNAMIC)].map(([, target]) => make(target, "*", false, true)),
  ];
}

/** `{ type A, type B }`. */
function isTypesOnly(names: string): boolean {
  const inner = /^\{([^}]*)\}$/.exec(names.trim())?.[1];
  const parts = inner?.split(",").filter((part) => part.trim() !== "");
  return parts !== undefined && parts.length > 0 && parts.every((part) => part.trim().startsWith("type "));
}

/** The folder of `src/` that a file lies in, e.g. `graph` for `src/graph/lowering/plain.ts`; of a task its own, e.g. `tasks/lanes`, and of the tasks' registry too. */
export function folderOf(file: string): string {
  const [, folder, inside] = file.split("/");
  if (folder !== "tasks") return folder;
  const isShared = inside.endsWith(".ts") && inside !== "registry.ts";
  return isShared ? folder : `tasks/${inside.replace(".ts", "")}`;
}
