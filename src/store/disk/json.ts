import type { z } from "zod";
import { InputError } from "../../core/errors.ts";
import { sha256Of } from "../objects/objects.ts";
import { parseBoundedJson } from "./bounded-json.ts";
import { readBytes, writeAtomic } from "./fs.ts";
import { restoreMend } from "./restore.ts";

const FIELD = '  "checksum": "';
const END = '"\n}\n';
const HEX_CHARS = 64;
const ZEROS = "0".repeat(HEX_CHARS);

/**
 * JSON with a checksum of its own bytes: its last field is `checksum`, the SHA-256 of the file with the checksum's
 * 64 digits read as zeros. Any changed byte is found.
 */
export function checksummedJson(value: Record<string, unknown>): string {
  const text = `${prettyJson({ ...value, checksum: ZEROS })}\n`;
  const at = text.length - END.length - HEX_CHARS;
  return text.slice(0, at) + sha256Of(text) + END;
}

/**
 * Validates by the schema (a value that does not fit is a programming error), then writes atomically.
 * @throws InputError where `readJson` would refuse the file: it is too large, too deep, or has a field that every object has
 */
export function writeJson(path: string, schema: z.ZodType, value: Record<string, unknown>, tmpDir: string): void {
  const parsed = schema.parse(value) as Record<string, unknown>;
  const text = checksummedJson(parsed);
  parseBoundedJson(Buffer.from(text), path);
  writeAtomic(path, text, tmpDir);
}

/** Reads and verifies checksum, then schema. @throws InputError naming the file and the first fault. */
export function readJson<T>(path: string, schema: z.ZodType<T>): T {
  const { checksum: _, ...value } = parseChecksummed(readBytes(path), path);
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue.path.length > 0 ? `'${issue.path.join(".")}': ` : "";
  throw new InputError(`${path}: does not fit its schema: ${where}${issue.message}`);
}

/** The content of a checksummed file, its checksum verified. @throws InputError */
export function parseChecksummed(bytes: Buffer, path: string): Record<string, unknown> {
  const at = bytes.length - END.length - HEX_CHARS;
  const framed =
    at >= FIELD.length &&
    bytes.toString("latin1", at - FIELD.length, at) === FIELD &&
    bytes.toString("latin1", at + HEX_CHARS) === END;
  if (!framed) throw new InputError(`${path}: damaged: it does not end in its checksum; ${restoreMend(path)}`);
  const stated = bytes.toString("latin1", at, at + HEX_CHARS);
  const blank = Buffer.concat([bytes.subarray(0, at), Buffer.from(ZEROS), bytes.subarray(at + HEX_CHARS)]);
  if (sha256Of(blank) !== stated) {
    throw new InputError(`${path}: damaged: its bytes do not match its checksum; ${restoreMend(path)}`);
  }
  return parseBoundedJson(bytes, path);
}

/** JSON over several lines, with arrays of numbers or strings on one: label files hold many. */
export function prettyJson(value: unknown, indent = ""): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value ?? null);
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.every((item) => item === null || typeof item !== "object")) {
      return `[${value.map((item) => JSON.stringify(item ?? null)).join(", ")}]`;
    }
    return `[\n${value.map((item) => deeper + prettyJson(item, deeper)).join(",\n")}\n${indent}]`;
  }
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  if (fields.length === 0) return "{}";
  const lines = fields.map(([key, field]) => `${deeper}${JSON.stringify(key)}: ${prettyJson(field, deeper)}`);
  return `{\n${lines.join(",\n")}\n${indent}}`;
}
