import { resolve } from "node:path";
import { InputError } from "../../core/errors.ts";
import { sha256Hex } from "../../core/hash.ts";
import { type BlindKey, blindKey, KEY_FORMAT, type KeyEntry } from "../../records/blind-key.ts";
import { plainFileBytes, readBytes } from "../../store/disk/fs.ts";
import { prettyJson } from "../../store/disk/json.ts";

const MOST_BYTES = 64e6;

/** The folder of a model in a hand-out: it follows from the secret. */
export function folderName(secret: string, modelSha256: string): string {
  return `model-${sha256Hex(`${secret} name ${modelSha256}`).slice(0, 12)}`;
}

/** What a key file holds. */
export function keyText(secret: string, models: readonly KeyEntry[]): string {
  return `${prettyJson({ format: KEY_FORMAT, secret, models })}\n`;
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
  const found = blindKey.safeParse(content);
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
