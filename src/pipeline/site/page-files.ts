import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { InputError } from "../../core/errors.ts";
import type { SiteFiles } from "./site-files.ts";

/** Where `npm run build` puts the page that `web/` holds. */
const PAGE = fileURLToPath(new URL("../../../dist/web/", import.meta.url));

/** The built page: HTML, script, style, and ONNX Runtime for browsers. @throws InputError where it was not built */
export function pageFiles(): SiteFiles {
  const files = new Map<string, () => Promise<Uint8Array>>();
  for (const entry of listPage()) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(relative(PAGE, path).replaceAll("\\", "/"), async () => readFileSync(path));
  }
  if (!files.has("index.html")) throw new InputError(`${PAGE}: the page was not built; run npm run build`);
  return files;
}

function listPage() {
  try {
    return readdirSync(PAGE, { recursive: true, withFileTypes: true });
  } catch {
    return [];
  }
}
