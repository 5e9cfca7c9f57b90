import { z } from "zod";
import { sha256 } from "./fields.ts";

/** What the key of a blind hand-out begins with. */
export const KEY_FORMAT = "bdefects4nn-blind-key-1";

/** A folder's name in a hand-out: nothing else, so that a key cannot lead elsewhere. */
const FOLDER = /^model-[0-9a-f]{12}$/;

/** One model of a hand-out. */
const entry = z.strictObject({
  name: z.string().regex(FOLDER),
  /** Of a clean model: a defect that was made of it. */
  id: z.string(),
  version: z.enum(["infected", "sham", "clean"]),
  /** Of the weights as safetensors. */
  model_sha256: sha256,
});
export type KeyEntry = z.infer<typeof entry>;

/** The file that tells which model of a hand-out is which. */
export const blindKey = z.strictObject({
  format: z.literal(KEY_FORMAT),
  /** Draws the same hand-out from the same database. */
  secret: z.string(),
  models: z.array(entry).min(1).max(100_000),
});
export type BlindKey = z.infer<typeof blindKey>;
