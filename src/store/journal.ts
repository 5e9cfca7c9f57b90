import { closeSync, fstatSync, openSync, readSync, statSync, writeSync } from "node:fs";
import { exists, readBytes, withPath } from "./disk/fs.ts";

/**
 * Appends one line, in a single write to a file opened for appending, so that lines of several builders do not mix.
 * The journal is a log: it tells readers that something happened; the facts are in the records.
 */
export function appendJournal(path: string, entry: Record<string, unknown>): void {
  withPath(path, () => {
    const file = openSync(path, "a+");
    try {
      // A line cut short by a full disk or a power cut must not swallow this one.
      const { size } = fstatSync(file);
      const last = Buffer.alloc(1);
      const torn = size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a;
      writeSync(file, `${torn ? "\n" : ""}${JSON.stringify(entry)}\n`);
    } finally {
      closeSync(file);
    }
  });
}

/** The journal's length in bytes; 0 where there is none. */
export function journalBytes(path: string): number {
  return withPath(path, () => statSync(path, { throwIfNoEntry: false })?.size ?? 0);
}

/** The journal's lines in order; what is not a line of JSON (torn by a power cut) is passed over. */
export function readJournal(path: string): unknown[] {
  if (!exists(path)) return [];
  return readBytes(path)
    .toString("utf8")
    .split("\n")
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as unknown];
      } catch {
        return [];
      }
    });
}
