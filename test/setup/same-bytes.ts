import { expect } from "vitest";

/** Arrays of the same bytes are equal; of others, Vitest says where they differ. It alone goes through millions of numbers one by one. */
function sameBytes(a: unknown, b: unknown): true | undefined {
  if (!ArrayBuffer.isView(a) || !ArrayBuffer.isView(b)) return undefined;
  if (a.constructor !== b.constructor || a.byteLength !== b.byteLength) return undefined;
  return bytesOf(a).equals(bytesOf(b)) || undefined;
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}

// Loaded once a process, as the list that it adds to.
expect.addEqualityTesters([sameBytes]);
