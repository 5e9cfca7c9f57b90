import { type ObjectRef, objectRef } from "../schema.ts";

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
