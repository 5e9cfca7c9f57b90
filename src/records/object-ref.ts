import { z } from "zod";
import { sha256 } from "./fields.ts";

/** How an object is stored and what it decodes to. */
export const objectRef = z.strictObject({
  /** SHA-256 of the stored bytes: the object's name. */
  object: sha256,
  /** Stored size. */
  bytes: z.number().int().positive(),
  /** SHA-256 of the decoded bytes; for a model or delta, of the whole model as safetensors of 32-bit floats. */
  decoded_sha256: sha256,
});
export type ObjectRef = z.infer<typeof objectRef>;

/** Every object that the content of a file refers to, however deep. */
export function collectRefs(value: unknown): ObjectRef[] {
  if (typeof value !== "object" || value === null) return [];
  const ref = objectRef.safeParse(value);
  return ref.success ? [ref.data] : Object.values(value).flatMap(collectRefs);
}

/** Adds to `used` the name of every object that the content of a file refers to. */
export function collectObjects(value: unknown, used: Set<string>): void {
  for (const { object } of collectRefs(value)) used.add(object);
}
