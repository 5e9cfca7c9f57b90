import { InputError } from "../../core/errors.ts";

/** No record, label file or result comes near; a prediction of a whole network takes a few megabytes. */
const MOST_BYTES = 256 << 20;
/** Records have five levels, recipes in them a few more. */
export const MOST_DEPTH = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

/**
 * Parses JSON that comes from outside: UTF-8, not too large, not nested without end, an object, and without the names that
 * every object has already (`__proto__`, `constructor`, …), which no file of ours uses and which mislead whoever looks one up.
 *
 * @throws InputError naming the file and the fault.
 */
export function parseBoundedJson(bytes: Uint8Array, path: string): Record<string, unknown> {
  if (bytes.length > MOST_BYTES)
    throw new InputError(`${path}: has ${bytes.length} bytes; no file of its kind is so large`);
  if (depthOf(bytes) > MOST_DEPTH) throw new InputError(`${path}: is nested more than ${MOST_DEPTH} levels deep`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new InputError(`${path}: is not JSON`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new InputError(`${path}: is JSON, but no object`);
  }
  const misleading = findMisleading(value);
  if (misleading !== null) throw new InputError(`${path}: holds a field '${misleading}', which no file of ours has`);
  return value as Record<string, unknown>;
}

/** How deep arrays and objects are nested, in one pass; of what is no JSON, any number. */
export function depthOf(bytes: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (inString) {
      if (byte === BACKSLASH) i++;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (OPENING.has(byte)) deepest = Math.max(deepest, ++depth);
    else if (CLOSING.has(byte)) depth--;
  }
  return deepest;
}

/** The first name of a field that every object has already; null where there is none. */
export function findMisleading(value: unknown): string | null {
  if (typeof value !== "object" || value === null) return null;
  if (Array.isArray(value)) {
    for (const item of value) {
      const found = findMisleading(item);
      if (found !== null) return found;
    }
    return null;
  }
  for (const [name, part] of Object.entries(value)) {
    const found = name in Object.prototype ? name : findMisleading(part);
    if (found !== null) return found;
  }
  return null;
}
