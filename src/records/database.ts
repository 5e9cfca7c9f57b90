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
