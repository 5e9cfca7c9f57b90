import { z } from "zod";
import { sha256 } from "./fields.ts";
import { isForeignId } from "./foreign.ts";
import { isDefectOf, LAYOUT } from "./places.ts";

/** The file that says what an export holds: first in an archive, beside the others in a folder. */
export const EXPORT_MANIFEST = "export.json";

/** Every place that a file of an export may have: those of a database (`places.ts`), and no other. */
const PLACES = [
  /^clean\/[a-z0-9]+-[a-z0-9]+-s\d+\.json$/,
  /^objects\/([0-9a-f]{2})\/\1[0-9a-f]{62}$/,
  /^results(\/[a-z0-9][a-z0-9_.-]*)+\.json$/i,
  /^results\/repair(\/[a-z0-9][a-z0-9_.-]*)+\.safetensors$/i,
];
const DEFECT_PLACE = /^defects\/([a-z0-9-]+)\/([a-z0-9-]+?)(\.labels)?\.json$/;

function isPlace(path: string): boolean {
  const defect = DEFECT_PLACE.exec(path);
  if (defect) return isDefectOf(defect[1], defect[2]);
  if (path.startsWith(`${LAYOUT.foreign}/`))
    return path.endsWith(".json") && isForeignId(path.slice(0, -".json".length));
  return PLACES.some((place) => place.test(path)) && !path.includes("..");
}

const exportedFile = z.strictObject({
  path: z.string().refine(isPlace, "no file of a database lies there"),
  bytes: z.number().int().positive(),
  sha256,
});
export type ExportedFile = z.infer<typeof exportedFile>;

/** An export: a slice of a database with the stamp of the database that it was taken from. */
export const exportManifest = z.strictObject({
  format: z.literal("bdefects4nn-export"),
  format_version: z.literal(1),
  /** Of the package that wrote it. */
  package_version: z.string(),
  edition: z.string(),
  seed: z.number().int(),
  /** Of the data sets that its records were made from. */
  data: z.record(z.string(), sha256),
  defects: z.array(z.string()),
  clean: z.array(z.string()),
  /** Models of another make; absent: none. */
  foreign: z.array(z.string().refine(isForeignId, "no id of a foreign model")).min(1).optional(),
  files: z.array(exportedFile).refine(isUnique, "a path is named twice"),
});
export type ExportManifest = z.infer<typeof exportManifest>;

function isUnique(files: readonly { path: string }[]): boolean {
  return new Set(files.map(({ path }) => path)).size === files.length;
}
