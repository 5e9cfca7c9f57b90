import { resolve } from "node:path";
import { z } from "zod";
import { InputError } from "../../core/errors.ts";
import { sha256Hex } from "../../core/hash.ts";
import { plainFileBytes, readBytes } from "../../store/disk/fs.ts";
import { prettyJson } from "../../store/disk/json.ts";

const FORMAT = "bdefects4nn-blind-key-1";
const MOST_BYTES = 64e6;

/** A folder's name in a hand-out: nothing else, so that a key cannot lead elsewhere. */
const FOLDER = /^model-[0-9a-f]{12}$/;

const entry = z.strictObject({
  name: z.string().regex(FOLDER),
  /** Of a clean model: a defect that was made of it. */
  id: z.string(),
  version: z.enum(["infected", "sham", "clean"]),
  /** Of the weights as safetensors. */
  model_sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
export type KeyEntry = z.infer<typeof entry>;

const key = z.strictObject({
  format: z.literal(FORMAT),
  /** Draws the same hand-out from the same database. */
  secret: z.string(),
  models: z.array(entry).min(1).max(100_000),
});
export type BlindKey = z.infer<typeof key>;

/** The folder of a model in a hand-out: it follows from the secret. */
export function folderName(secret: string, modelSha256: string): string {
  return `model-${sha256Hex(`${secret} name ${modelSha256}`).slice(0, 12)}`;
}

/** What a key file holds. */
export function keyText(secret: string, models: readonly KeyEntry[]): string {
  return `${prettyJson({ format: FORMAT, secret, models })}\n`;
}

/** @throws InputError where the file is no key of a hand-out */
export function readKey(path: string): BlindKey {
  const refuse = (fault: string): never => {
    throw new InputError(`${path}: no key that 'bdefects export --blind' wrote: ${fault}`);
  };
  if (plainFileBytes(path) > MOST_BYTES) return refuse("too large");
  let content: unknown;
  try {
    content = JSON.parse(readBytes(path).toString("utf8"));
  } catch (error) {
    if (error instanceof InputError) throw error;
    return refuse("not JSON");
  }
  const found = key.safeParse(content);
  if (!found.success) return refuse(`'${found.error.issues[0].path.join(".")}': ${found.error.issues[0].message}`);
  if (new Set(found.data.models.map(({ name }) => name)).size < found.data.models.length) {
    return refuse("a folder stands there twice");
  }
  const { secret, models } = found.data;
  const odd = models.find(({ name, model_sha256 }) => name !== folderName(secret, model_sha256));
  if (odd) return refuse(`its secret does not give ${odd.name} that name: a value was changed`);
  return found.data;
}

/** Where the key of a hand-out goes unless told otherwise: beside its folder, never inside. */
export function keyPath(dir: string): string {
  return `${resolve(dir)}.key.json`;
}
