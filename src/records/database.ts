import { z } from "zod";
import { sha256 } from "./fields.ts";

/** `database.json`: what a database was built from. */
export const databaseManifest = z.strictObject({
  format: z.literal("bdefects4nn-database"),
  format_version: z.literal(1),
  edition: z.string(),
  seed: z.number().int(),
  /** Per data set in use: the hash of the data it was built from. */
  data: z.record(z.string(), sha256),
  created: z.string(),
});
export type DatabaseManifest = z.infer<typeof databaseManifest>;

/** When a database was created, in ISO 8601; null where nobody knows: archives tell no hour, and what is unpacked from them states the epoch. */
export function createdAt({ created }: Pick<DatabaseManifest, "created">): string | null {
  return Date.parse(created) === 0 ? null : created;
}

/** `, created DAY` for pages, or nothing. */
export function createdWords(manifest: Pick<DatabaseManifest, "created">): string {
  const at = createdAt(manifest);
  return at === null ? "" : `, created ${at.slice(0, 10)}`;
}
